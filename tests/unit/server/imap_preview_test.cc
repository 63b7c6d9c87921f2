// PREVIEW: one line of a message's text.
#include "libsync/server/imap_preview.h"

#include <gtest/gtest.h>

#include "libsync/base/text.h"

namespace libsync::server {
namespace {

std::string preview(std::string_view octets) {
  mime::Converters converters;
  return preview_of(mime::parse(octets), converters);
}
std::string of_text(const std::string& text) {
  return preview("Content-Type: text/plain; charset=utf-8\r\n\r\n" + text);
}

TEST(ImapPreview, IsOneLine) {
  EXPECT_EQ(of_text("  one\r\n\r\n two\t three \r\n"), "one two three");
  EXPECT_EQ(of_text("a\u00A0\u3000 \u2003b\u2028c"), "a b c");
}

TEST(ImapPreview, IsTheTextThatAPersonReads) {
  EXPECT_EQ(preview("Content-Type: multipart/alternative; boundary=b\r\n\r\n"
                    "--b\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n--b\r\n\r\nplain\r\n--b--\r\n"),
            "plain");
  EXPECT_EQ(preview("Content-Type: text/html\r\n\r\n<style>x{}</style><p>Hello,<br>you &amp; me</p>"),
            "Hello, you & me");
  EXPECT_EQ(
      preview("Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
              "Gr=FC=DFe"),
      "Grüße");
}

TEST(ImapPreview, IsEmptyWhereThereIsNoText) {
  EXPECT_EQ(preview(""), "");
  EXPECT_EQ(of_text(" \r\n\t"), "");
  EXPECT_EQ(preview("Content-Type: image/png\r\n\r\nPNG"), "");
}

TEST(ImapPreview, EndsAtSoManyCharacters) {
  EXPECT_EQ(of_text(std::string(kMaxPreview, 'x')), std::string(kMaxPreview, 'x'));
  EXPECT_EQ(of_text(std::string(kMaxPreview + 1, 'x')), std::string(kMaxPreview, 'x'));
  EXPECT_EQ(of_text(std::string(kMaxPreview - 1, 'x') + " y"), std::string(kMaxPreview - 1, 'x'));
  std::string words;
  for (int i = 0; i < 200; ++i) words += "a \r\n";
  EXPECT_EQ(of_text(words).size(), kMaxPreview - 1);  // the next word needs a space and itself
  std::string many, expected;
  for (int i = 0; i < 300; ++i) many += "𝄞";
  for (size_t i = 0; i < kMaxPreview; ++i) expected += "𝄞";
  EXPECT_EQ(of_text(many), expected);
}

TEST(ImapPreview, HoldsNothingThatATerminalOrAListWouldObey) {
  EXPECT_EQ(of_text("a\x1B[31mb\x07\x7F\u0085c\u202Ed\u2066e\uFEFFf\u200Bg"), "a[31mb cdefg");
  EXPECT_EQ(of_text(std::string("a\0b", 3)), "a b");
  EXPECT_TRUE(is_valid_utf8(of_text("\xC3\xFF\x80 raw \xF0\x9F")));
}

}  // namespace
}  // namespace libsync::server

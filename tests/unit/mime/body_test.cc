#include "libsync/mime/body.h"

#include <gtest/gtest.h>

#include "libsync/base/base64.h"
#include "libsync/base/text.h"
#include "libsync/mime/filename.h"
#include "libsync/mime/html.h"

namespace libsync::mime {
namespace {

std::string text(std::string_view bytes, const TextOptions& options = {}) {
  Converters converters;
  return text_of(parse(bytes), converters, options);
}

TEST(TextOf, DecodesTransferAndCharset) {
  EXPECT_EQ(text("Content-Type: text/plain; charset=gb2312\nContent-Transfer-Encoding: base64\n\nxOO6ww=="), "你好");
  EXPECT_EQ(text("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
                 "=E4=BD=\n=A0\r\nx"),
            "你\nx");
  EXPECT_EQ(text("A: b\n\ncaf\xE9"), "café");  // no charset named
  EXPECT_EQ(text("Content-Type: image/png\n\nxxx"), "");
  EXPECT_EQ(text(std::string_view("A: b\n\na\0b\rc", 11)), "a b\nc");
}

constexpr std::string_view kAlternative =
    "Content-Type: multipart/alternative; boundary=b\n\n--b\n\nplain\n--b\nContent-Type: "
    "text/html\n\n<b>html</b>\n--b--\n";

TEST(TextOf, TakesOneAlternative) {
  EXPECT_EQ(text(kAlternative), "plain");
  EXPECT_EQ(text(kAlternative, {.both_alternatives = true}), "plain\n\nhtml");
  EXPECT_EQ(text("Content-Type: multipart/alternative; boundary=b\n\n--b\n\n  \n--b\nContent-Type: text/html\n\n"
                 "<b>html</b>\n--b--\n"),
            "html");
}

TEST(TextOf, ReadsAMultipartThatCantBeOpenedAsText) {
  for (const char* type : {"multipart/mixed", "multipart/alternative; boundary=never"}) {
    const std::string bytes = std::string("Content-Type: ") + type +
                              "\n\nthe b\xC3\xB6"
                              "dy\n--x\n";
    EXPECT_EQ(text(bytes),
              "the b\xC3\xB6"
              "dy\n--x\n")
        << type;
    const Message m = parse(bytes);
    Converters converters;
    EXPECT_FALSE(is_attachment(m.root(), part_info(m, m.root(), converters))) << type;
  }
  // Inside another one, without that one's preamble.
  EXPECT_EQ(text("Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\nContent-Type: multipart/mixed\n\n"
                 "lost\n--b\n\nfound\n--b--\n"),
            "lost\n\nfound");
}

TEST(TextOf, SaysWhichPartsItIsMadeOf) {
  Converters converters;
  std::vector<uint32_t> used;
  text_of(parse(kAlternative), converters, {}, &used);
  EXPECT_EQ(used, std::vector<uint32_t>{1});
  text_of(parse(kAlternative), converters, {.both_alternatives = true}, &used);
  EXPECT_EQ(used, (std::vector<uint32_t>{1, 2}));
  text_of(parse("Content-Type: image/png\n\nx"), converters, {}, &used);
  EXPECT_TRUE(used.empty());
  text_of(parse("Subject: nothing\n\n"), converters, {}, &used);
  EXPECT_EQ(used, std::vector<uint32_t>{0});
}

TEST(DecodeBody, KeepsWhatIsNoUuencodeUnderItsName) {
  const Message m = parse("Content-Transfer-Encoding: x-uuencode\n\nplain text\nabegin 644\n");
  Defects defects;
  EXPECT_EQ(decode_body(m, m.root(), UINT64_MAX, &defects), "plain text\nabegin 644\n");
  EXPECT_TRUE(defects.has(Fault::BadUuencode));
  const Message right = parse("Content-Transfer-Encoding: uuencode\n\nintro\nbegin 644 a\n#0V%T\n`\nend\n");
  EXPECT_EQ(decode_body(right, right.root()), "Cat");
}

TEST(TextOf, LeavesAttachmentsOutUnlessAsked) {
  constexpr std::string_view kMessage =
      "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nbody\n--b\nContent-Disposition: "
      "attachment\n\nattached\n--b--\n";
  EXPECT_EQ(text(kMessage), "body");
  EXPECT_EQ(text(kMessage, {.attachments = true}), "body\n\nattached");
}

TEST(TextOf, GoesIntoMessagesInside) {
  const std::string inner = "Subject: =?utf-8?Q?inn=C3=A9r?=\n\ninner body\n";
  EXPECT_EQ(text("Content-Type: message/rfc822\n\n" + inner), "innér\n\ninner body\n");
  EXPECT_EQ(text("Content-Type: message/rfc822\n\n" + inner, {.nested = false}), "");
  for (const char* type : {"message/rfc822", "message/global"}) {
    EXPECT_EQ(
        text("Content-Type: " + std::string(type) + "\nContent-Transfer-Encoding: base64\n\n" + base64_encode(inner)),
        "innér\n\ninner body\n");
  }
}

TEST(TextOf, StopsAtMessagesInBase64InsideEachOther) {
  std::string bytes = "Subject: s\n\nbottom\n";
  for (int i = 0; i < 20; ++i) {
    bytes = "Subject: s\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64_encode(bytes);
  }
  const std::string out = text(bytes);
  EXPECT_EQ(out.find("bottom"), out.npos);
  EXPECT_EQ(std::count(out.begin(), out.end(), 's'), static_cast<std::ptrdiff_t>(kMaxEncodedMessages));
}

TEST(TextOf, StaysWithinItsBound) {
  std::string bytes = "Content-Type: text/plain; charset=utf-8\n\n";
  for (int i = 0; i < 100; ++i) bytes += "你";
  for (uint64_t bound = 0; bound < 20; ++bound) {
    const std::string out = text(bytes, {.max_bytes = bound});
    EXPECT_LE(out.size(), bound);
    EXPECT_GE(out.size() + 3, bound);
    EXPECT_TRUE(is_valid_utf8(out));
  }
  EXPECT_LE(text("Content-Type: text/html\n\n" + std::string(100, 'x'), {.max_bytes = 10}).size(), 10U);
  EXPECT_EQ(text("A: b\n\n" + std::string(100, 'x'), {.max_source = 10}).size(), 10U);
}

TEST(DecodeBody, ComesInPiecesAndEndsWhenTold) {
  const std::string content(1 << 20, 'x');
  const std::string bytes = "Content-Transfer-Encoding: base64\n\n" + base64_encode(content);
  const Message m = parse(bytes);
  std::string out;
  size_t pieces = 0;
  decode_body(m, m.root(), [&](std::string_view piece) {
    out += piece;
    ++pieces;
    return true;
  });
  EXPECT_EQ(out, content);
  EXPECT_GT(pieces, 10U);
  pieces = 0;
  decode_body(m, m.root(), [&](std::string_view) { return ++pieces < 2; });
  EXPECT_EQ(pieces, 2U);
  EXPECT_EQ(decode_body(m, m.root(), 100).size(), 100U);
  Defects defects;
  decode_body(parse("Content-Transfer-Encoding: base64\n\n****"),
              parse("Content-Transfer-Encoding: base64\n\n****").root(), 10, &defects);
  EXPECT_TRUE(defects.has(Fault::BadBase64));
}

TEST(Html, BecomesText) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"a<b>b</b>c", "abc"},
      {"<p>one</p><p>two</p>", "one\n\ntwo"},
      {"one<br>two<BR/>three", "one\ntwo\nthree"},
      {"<div>a</div><div>b</div>", "a\nb"},
      {"a  \n b", "a b"},
      {"<td>a</td><td>b</td>", "a b"},
      {"x<script>if (a<b) \"</p>\"</script>y", "xy"},
      {"x<STYLE>p{}</style >y", "xy"},
      {"<title>t</title>x", "x"},
      {"x<!-- <p> -- > -->y", "xy"},
      {"x<!-- never closed", "x"},
      {"x<script>never closed", "x"},
      {"<!DOCTYPE html><?xml?>x", "x"},
      {"a<a href=\"x>y\">b</a>", "ab"},
      {"a<a href=\"open>b</a>", "ab"},
      {"1 < 2 && 3 > 2", "1 < 2 && 3 > 2"},
      {"&lt;p&gt; &amp;amp; &eacute;&#233;&#xE9;&#X4f60;", "<p> &amp; ééé你"},
      {"&nbsp;a&nbsp;&nbsp;b&#160;", "a b"},
      {"&hellip;&euro;&#128;&#150;", "…€€–"},
      {"&unknown; &; &# &#x; &amp", "&unknown; &; &# &#x; &"},
      {"&#0;&#55296;&#99999999999;", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"soft&shy;hyphen", "softhyphen"},
      {"", ""},
      {"<", "<"},
      {"</", "</"},
      {"<p", ""},
  };
  for (const auto& [html, expected] : table) EXPECT_EQ(html_to_text(html), expected) << html;
}

TEST(Html, TakesLinearTime) {
  for (const std::string_view piece : {"<", "<a ", "<a b=\"", "<a b='\"", "<!--", "<script>", "<script></", "&", "&#",
                                       "&amp", "<p>", "<style></styl", "</"}) {
    std::string html;
    while (html.size() < (1 << 18)) html += piece;
    EXPECT_LE(html_to_text(html).size(), html.size() * 2) << piece;
    EXPECT_LE(html_to_text(html, 100).size(), 100U) << piece;
  }
}

TEST(Html, StaysWithinItsBoundAlsoWithTheSpaceBeforeAWord) {
  EXPECT_EQ(html_to_text("<p>abc<p>d", 5), "abc");
  EXPECT_EQ(html_to_text("<p>abc<p>d", 6), "abc\n\nd");
  EXPECT_EQ(html_to_text("abc d", 3), "abc");
  EXPECT_EQ(html_to_text("abc d", 4), "abc");
  EXPECT_EQ(html_to_text("abc defg", 6), "abc de");
}

TEST(SafeFilename, IsOnePathComponent) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"report.pdf", "report.pdf"},
      {"你好.txt", "你好.txt"},
      {"../../etc/passwd", "_.._etc_passwd"},
      {"/etc/passwd", "_etc_passwd"},
      {"..\\..\\x", "_.._x"},
      {"C:\\temp\\a.txt", "C__temp_a.txt"},
      {"..", "attachment"},
      {".", "attachment"},
      {"", "attachment"},
      {"   ", "attachment"},
      {"///", "attachment"},
      {".bashrc", "bashrc"},
      {"a\tb\nc", "a b c"},
      {"con", "_con"},
      {"NUL.txt", "_NUL.txt"},
      {"Com1.x", "_Com1.x"},
      {"com10", "com10"},
      {"a:b|c?d*e<f>g\"h", "a_b_c_d_e_f_g_h"},
      {"trailing. . ", "trailing"},
      {"\xE2\x80\xAEtxt.exe", "txt.exe"},
      {"a\x1b[31mb", "a[31mb"},
      {"bad\xFFutf8", "bad\xEF\xBF\xBDutf8"},
      {"-rf", "-rf"},
  };
  for (const auto& [name, expected] : table) EXPECT_EQ(safe_filename(name), expected) << name;
  EXPECT_EQ(safe_filename(std::string_view("a\0b", 3)), "ab");
  EXPECT_EQ(safe_filename("", "part-2"), "part-2");
}

TEST(SafeFilename, KeepsTheExtensionOfALongName) {
  std::string name;
  for (int i = 0; i < 1000; ++i) name += "你";
  const std::string safe = safe_filename(name + ".pdf");
  EXPECT_LE(safe.size(), kMaxFileName);
  EXPECT_GE(safe.size(), kMaxFileName - 3);
  EXPECT_TRUE(safe.ends_with("你.pdf"));
  EXPECT_TRUE(is_valid_utf8(safe));
  EXPECT_LE(safe_filename(std::string(1 << 20, 'x')).size(), kMaxFileName);
  EXPECT_LE(safe_filename(std::string(1 << 20, '.') + "x").size(), kMaxFileName);
}

}  // namespace
}  // namespace libsync::mime

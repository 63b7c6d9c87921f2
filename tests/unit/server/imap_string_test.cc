// Strings of a response, in each of their forms.
#include "libsync/server/imap_string.h"

#include <gtest/gtest.h>

namespace libsync::server {
namespace {

using namespace std::literals;

std::string string(std::string_view text, bool utf8 = false) {
  std::string out = "x ";
  append_string(text, utf8, out);
  return out.substr(2);
}
std::string astring(std::string_view text, bool utf8 = false) {
  std::string out;
  append_astring(text, utf8, out);
  return out;
}
std::string header_text(std::string_view text) {
  std::string out;
  append_header_text(text, false, out);
  return out;
}

TEST(ImapString, IsQuotedWhereItCanBe) {
  EXPECT_EQ(string(""), R"("")");
  EXPECT_EQ(string("a b\tc]{1}(*%"), "\"a b\tc]{1}(*%\"");
  EXPECT_EQ(string(R"(say "hi" \ bye)"), R"("say \"hi\" \\ bye")");
  EXPECT_EQ(string(std::string(1000, 'x')), '"' + std::string(1000, 'x') + '"');
}

TEST(ImapString, IsALiteralWhereQuotesCantHoldIt) {
  EXPECT_EQ(string("a\r\nb"), "{4}\r\na\r\nb");
  EXPECT_EQ(string("a\x1B[1m"), "{5}\r\na\x1B[1m");
  EXPECT_EQ(string("del\x7F"), "{4}\r\ndel\x7F");
  EXPECT_EQ(string("a\0b"sv), "~{3}\r\na\0b"sv);
  EXPECT_EQ(string(std::string(1001, 'x')), "{1001}\r\n" + std::string(1001, 'x'));
}

TEST(ImapString, HasEightBitOctetsInQuotesOnlyAsUtf8ThatWasEnabled) {
  EXPECT_EQ(string("Grüße"), "{7}\r\nGrüße");
  EXPECT_EQ(string("Grüße", true), "\"Grüße\"");
  EXPECT_EQ(string("Gr\xFC\xDF"
                   "e",
                   true),
            "{5}\r\nGr\xFC\xDF"
            "e");
}

TEST(ImapString, IsNilWhereThereIsNone) {
  std::string out;
  append_nstring(std::nullopt, false, out);
  append_nstring("NIL", false, out);
  EXPECT_EQ(out, "NIL\"NIL\"");
}

TEST(ImapString, IsAnAtomWhereItCanBeOne) {
  EXPECT_EQ(astring("INBOX"), "INBOX");
  EXPECT_EQ(astring("Work/&Zi5f-"), "Work/&Zi5f-");
  EXPECT_EQ(astring(""), R"("")");
  EXPECT_EQ(astring("nil"), R"("nil")");
  EXPECT_EQ(astring("a b"), R"("a b")");
  EXPECT_EQ(astring("a]"), R"("a]")");
  EXPECT_EQ(astring("100%"), R"("100%")");
  EXPECT_EQ(astring("C:\\x"), R"("C:\\x")");
  EXPECT_EQ(astring("报表", true), "\"报表\"");
  EXPECT_EQ(astring("报表"), "{6}\r\n报表");
}

TEST(ImapString, OfAHeaderHoldsNoLineEndsAndNoNul) {
  EXPECT_EQ(header_text(" one\r\n two\n\tthree \r\n"), "\"one two\tthree\"");
  EXPECT_EQ(header_text(" a\rb\0c"sv), "\"abc\"");
  EXPECT_EQ(header_text(" \r\n "), R"("")");
}

TEST(ImapString, LiteralsTellWhetherTheyHoldNul) {
  std::string out;
  append_literal_head(12'345'678'901, false, out);
  append_literal_head(0, true, out);
  EXPECT_EQ(out, "{12345678901}\r\n~{0}\r\n");
}

}  // namespace
}  // namespace libsync::server

// BODY and BODYSTRUCTURE of messages, against what RFC 9051 has for them, and as this program's client reads them.
#include "libsync/server/imap_structure.h"

#include <gtest/gtest.h>

#include "libsync/imap/limits.h"

#include "tests/fuzz/read_back.h"

namespace libsync::server {
namespace {

using namespace std::literals;

std::string structure(std::string_view octets, bool utf8 = false) {
  std::string out;
  append_body_structure(mime::parse(octets), true, utf8, out);
  return out;
}
std::string body(std::string_view octets) {
  std::string out;
  append_body_structure(mime::parse(octets), false, false, out);
  return out;
}
// The parameters of a leaf of that field.
std::string parameters(const std::string& type) {
  const std::string text = structure("Content-Type: application/x;" + type + "\r\n\r\n");
  const std::string_view begin = R"(("application" "x" )", end = R"( NIL NIL "7bit" 0 NIL NIL NIL NIL))";
  EXPECT_TRUE(text.starts_with(begin) && text.ends_with(end)) << text;
  return text.substr(begin.size(), text.size() - begin.size() - end.size());
}

TEST(ImapStructure, OfATextHasItsLines) {
  const std::string_view text =
      "Content-Type: TEXT/Html; Charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\na\r\nb\r\n";
  EXPECT_EQ(structure(text), R"(("text" "html" ("charset" "UTF-8") NIL NIL "8bit" 6 2 NIL NIL NIL NIL))");
  EXPECT_EQ(body(text), R"(("text" "html" ("charset" "UTF-8") NIL NIL "8bit" 6 2))");
}

TEST(ImapStructure, WithoutATypeIsPlainTextInAscii) {
  constexpr std::string_view kPlain = R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" )";
  EXPECT_EQ(structure("\r\nx"), std::string(kPlain) + "1 0 NIL NIL NIL NIL)");
  EXPECT_EQ(structure(""), std::string(kPlain) + "0 0 NIL NIL NIL NIL)");
  EXPECT_EQ(structure("Content-Type: text; charset\r\n\r\n"), std::string(kPlain) + "0 0 NIL NIL NIL NIL)");
  EXPECT_EQ(structure("Content-Type: charset=utf-8\r\n\r\n"),
            R"(("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 0 0 NIL NIL NIL NIL))");
  EXPECT_EQ(structure("Content-Type: text/x; format=flowed\r\n\r\n"),
            R"(("text" "x" ("format" "flowed" "charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL))");
}

TEST(ImapStructure, TellsAllOfALeaf) {
  EXPECT_EQ(
      structure("Content-Type: image/png; name=\"a \\\"b\\\".png\"\r\nContent-Transfer-Encoding: BASE64 (x)\r\n"
                "Content-ID: <i@d>\r\nContent-Description: a\r\n =?utf-8?q?b?=\r\nContent-MD5: Q2hl==\r\n"
                "Content-Disposition: Attachment; filename=\"a.png\"; size=4\r\nContent-Language: en, zh-CN (x)\r\n"
                "Content-Location: http://x/\r\n\r\nAAAA"),
      R"(("image" "png" ("name" "a \"b\".png") "<i@d>" "a =?utf-8?q?b?=" "base64" 4 "Q2hl==" )"
      R"(("attachment" ("filename" "a.png" "size" "4")) ("en" "zh-CN") "http://x/"))");
  EXPECT_EQ(structure("Content-Type: a/b\r\nContent-Disposition: inline\r\nContent-Transfer-Encoding: X-Mine\r\n\r\n"),
            R"(("a" "b" NIL NIL NIL "X-Mine" 0 NIL ("inline" NIL) NIL NIL))");
}

TEST(ImapStructure, OfAMultipartHoldsItsParts) {
  const std::string_view text =
      "Content-Type: multipart/alternative; boundary=\"b\"\r\nContent-Language: de\r\n\r\npreamble\r\n"
      "--b\r\n\r\none\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>\r\n--b--\r\nepilogue\r\n";
  EXPECT_EQ(structure(text), R"((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 1 NIL NIL NIL NIL))"
                             R"(("text" "html" ("charset" "utf-8") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) )"
                             R"("alternative" ("boundary" "b") NIL ("de") NIL))");
  EXPECT_EQ(body(text), R"((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 1))"
                        R"(("text" "html" ("charset" "utf-8") NIL NIL "7bit" 3 0) "alternative"))");
}

TEST(ImapStructure, OfAMessageInsideHasItsEnvelopeAndStructure) {
  const std::string_view text =
      "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n"
      "Subject: in\r\nFrom: a@x\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n"
      "--i\r\n\r\none\r\n--i\r\nContent-Type: message/global\r\n\r\nSubject: deep\r\n\r\ntext\r\n--i--\r\n--o--\r\n";
  EXPECT_EQ(body(text), R"((("message" "rfc822" NIL NIL NIL "7bit" 146 )"
                        R"((NIL "in" ((NIL NIL "a" "x")) ((NIL NIL "a" "x")) ((NIL NIL "a" "x")) NIL NIL NIL NIL NIL) )"
                        R"((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0))"
                        R"(("message" "global" NIL NIL NIL "7bit" 21 (NIL "deep" NIL NIL NIL NIL NIL NIL NIL NIL) )"
                        R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 4 0) 2) "mixed") 13) "mixed"))");
}

TEST(ImapStructure, OfADigestHasMessages) {
  EXPECT_EQ(body("Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: s\r\n\r\nx\r\n--b--\r\n"),
            R"((("message" "rfc822" NIL NIL NIL "7bit" 15 (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) )"
            R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1 0) 2) "digest"))");
}

// RFC 2231, section 6.
TEST(ImapStructure, JoinsParametersInSections) {
  EXPECT_EQ(parameters(" name=\"x\"; other=y"), R"(("name" "x" "other" "y"))");
  EXPECT_EQ(parameters(" name*0=\"a b\"; name*1=c; x=y"), R"(("name" "a bc" "x" "y"))");
  EXPECT_EQ(parameters(" name*1=b; x=y; name*0=a; name*2=c"), R"(("name" "abc" "x" "y"))");
  EXPECT_EQ(parameters(" name*=utf-8'zh'%E5%AD"), R"(("name*" "utf-8'zh'%E5%AD"))");
  EXPECT_EQ(parameters(" name*0*=utf-8'zh'%E5; name*1*=%AD"), R"(("name*" "utf-8'zh'%E5%AD"))");
  // What was not percent-encoded is, and what was but does not look it too.
  EXPECT_EQ(parameters(" t*0*=utf-8'en'a%20; t*1=\"50% 'b'\"; t*2*=c%2; t*3*=0"),
            R"(("t*" "utf-8'en'a%2050%25%20%27b%27c%2520"))");
  EXPECT_EQ(parameters(" t*0=a; t*1*=%20"), R"(("t*" "''a%20"))");
  // The plain name is for those who do not know of sections; beside "name*" sections are nothing.
  EXPECT_EQ(parameters(" name=old; name*0=n; name*1=ew"), R"(("name" "new"))");
  EXPECT_EQ(parameters(" name=old; name*0*=''n; name*1=ew"), R"(("name" "old" "name*" "''new"))");
  EXPECT_EQ(parameters(" name*0=a; name*=''b"), R"(("name*" "''b"))");
  EXPECT_EQ(parameters(" *0=a; n*x=b"), R"(("*0" "a" "n*x" "b"))");
}

TEST(ImapStructure, OfAMultipartWithoutPartsHoldsAnEmptyOne) {
  EXPECT_EQ(structure("Content-Type: multipart/mixed; boundary=b\r\n\r\nlost\r\n"),
            R"((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL) )"
            R"("mixed" ("boundary" "b") NIL NIL NIL))");
  EXPECT_EQ(body("Content-Type: multipart/mixed; boundary=b\r\n\r\nlost\r\n"),
            R"((("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed"))");
}

TEST(ImapStructure, OfAMessageThatEndsBeforeItBeginsHoldsAnEmptyOne) {
  EXPECT_EQ(body("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n--b--\r\n"),
            R"((("message" "rfc822" NIL NIL NIL "7bit" 0 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) )"
            R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) 0) "mixed"))");
}

TEST(ImapStructure, OfAContainerThatWasNotOpenedIsALeaf) {
  EXPECT_EQ(body("Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n"),
            R"(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 3))");
  EXPECT_EQ(
      body("Content-Type: message/rfc822; name=m.eml\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDo=\r\n"),
      R"(("application" "octet-stream" ("name" "m.eml") NIL NIL "base64" 14))");
  EXPECT_EQ(body("Content-Type: message/delivery-status\r\n\r\nx\r\n"),
            R"(("message" "delivery-status" NIL NIL NIL "7bit" 3))");
}

TEST(ImapStructure, HoldsHostileFields) {
  EXPECT_EQ(
      structure("Content-Type: te\"xt/p)l(ain; a\"b=c\r\nContent-ID: \"\r\n )\0\\\r\nContent-Language: \"a\" )\r\n"
                "Content-Disposition: ; x=\xFF\r\n\r\n"sv),
      "(\"text\" \"plain\" (\"a\\\"b\" \"c\" \"charset\" \"us-ascii\") \"\\\" )\\\\\" NIL \"7bit\" 0 0 NIL "
      "(\"attachment\" (\"x\" {1}\r\n\xFF)) (\"\\\"a\\\"\" \")\") NIL)");
}

TEST(ImapStructure, SendsEightBitTextAsItIs) {
  const std::string_view text = "Content-Type: a/b; name=\"Gr\xC3\xBC\xC3\x9F\"\r\nContent-Description: \xFF\r\n\r\n";
  EXPECT_EQ(structure(text), "(\"a\" \"b\" (\"name\" {6}\r\nGrüß) NIL {1}\r\n\xFF \"7bit\" 0 NIL NIL NIL NIL)");
  EXPECT_EQ(structure(text, true), "(\"a\" \"b\" (\"name\" \"Grüß\") NIL {1}\r\n\xFF \"7bit\" 0 NIL NIL NIL NIL)");
}

std::string with_parts(size_t count, std::string_view header) {
  std::string text = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
  for (size_t i = 0; i < count; ++i) text += "--b\r\n" + std::string(header) + "\r\nx\r\n";
  return text + "--b--\r\n";
}

TEST(ImapStructure, OfTenThousandPartsIsReadBack) {
  imap::Quirks quirks;
  const auto read = fuzz::read_back("BODYSTRUCTURE " + structure(with_parts(20'000, "")), &quirks);
  ASSERT_TRUE(read && read->structure);
  EXPECT_EQ(read->structure->parts.size(), mime::kMaxParts - 1);  // the message is the first of them
  EXPECT_EQ(quirks.count(imap::Quirk::LongList), 0U);
  EXPECT_FALSE(read->structure->damaged);
}

TEST(ImapStructure, GoesNoDeeperThanAMessageIsRead) {
  std::string text;
  for (int i = 0; i < 500; ++i) text += "Content-Type: message/rfc822\r\n\r\n";
  const auto read = fuzz::read_back("BODYSTRUCTURE " + structure(text));
  ASSERT_TRUE(read && read->structure);
  size_t depth = 1;
  const imap::BodyPart* part = read->structure.get();
  for (; !part->parts.empty(); part = &part->parts.front()) ++depth;
  EXPECT_EQ(depth, mime::kMaxDepth);
  EXPECT_EQ(part->type + "/" + part->subtype, "APPLICATION/OCTET-STREAM");
}

// What a client keeps of one answer is limited; so is what strangers make us write.
TEST(ImapStructure, StaysReadableHoweverMuchHeadersSay) {
  const std::string header = "Content-Description: " + std::string(5000, 'd') + "\r\n";
  const std::string text = structure(with_parts(9000, header));
  EXPECT_LT(text.size(), kMaxStructure + 9000 * 100);
  const auto read = fuzz::read_back("BODYSTRUCTURE " + text);
  ASSERT_TRUE(read && read->structure);
  ASSERT_EQ(read->structure->parts.size(), 9000U);
  EXPECT_EQ(read->structure->parts.front().description, std::string(5000, 'd'));
  EXPECT_FALSE(read->structure->parts.back().description);
  EXPECT_EQ(read->structure->parts.back().octets, 1U);
}

}  // namespace
}  // namespace libsync::server

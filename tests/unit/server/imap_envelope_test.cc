// ENVELOPE of messages, against what RFC 9051 has for them, and as this program's client reads it.
#include "libsync/server/imap_envelope.h"

#include <gtest/gtest.h>

#include "libsync/imap/limits.h"

#include "tests/fuzz/read_back.h"

namespace libsync::server {
namespace {

using namespace std::literals;

std::string envelope(std::string_view header, bool utf8 = false) {
  std::string out;
  append_envelope(header, utf8, out);
  return out;
}

constexpr std::string_view kNothing = "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)";

TEST(ImapEnvelope, TellsAllTenFields) {
  // The message of RFC 9051's example, section 8.
  EXPECT_EQ(envelope("Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
                     "From: Terry Gray <gray@cac.washington.example>\r\n"
                     "Subject: IMAP4rev2 WG mtg summary and minutes\r\n"
                     "To: imap@cac.washington.example\r\n"
                     "cc: minutes@CNRI.Reston.example, John Klensin <KLENSIN@MIT.example>\r\n"
                     "Message-Id: <B27397-0100000@cac.washington.example>\r\n\r\nTo: body@example.org\r\n"),
            R"~(("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" )~"
            R"((("Terry Gray" NIL "gray" "cac.washington.example")) )"
            R"((("Terry Gray" NIL "gray" "cac.washington.example")) )"
            R"((("Terry Gray" NIL "gray" "cac.washington.example")) )"
            R"(((NIL NIL "imap" "cac.washington.example")) )"
            R"(((NIL NIL "minutes" "CNRI.Reston.example")("John Klensin" NIL "KLENSIN" "MIT.example")) )"
            R"(NIL NIL "<B27397-0100000@cac.washington.example>"))");
}

TEST(ImapEnvelope, KeepsSenderReplyToAndBcc) {
  EXPECT_EQ(envelope("From: a@x\r\nSender: b@x\r\nReply-To: c@x\r\nBcc: d@x\r\nIn-Reply-To: <1@x>\r\n <2@x>\r\n\r\n"),
            R"((NIL NIL ((NIL NIL "a" "x")) ((NIL NIL "b" "x")) ((NIL NIL "c" "x")) NIL NIL ((NIL NIL "d" "x")) )"
            R"("<1@x> <2@x>" NIL))");
}

TEST(ImapEnvelope, OfNothingIsNil) {
  EXPECT_EQ(envelope(""), kNothing);
  EXPECT_EQ(envelope("\r\nFrom: a@x\r\n"), kNothing);
  EXPECT_EQ(envelope("no header at all"), kNothing);
  std::string out;
  append_empty_envelope(out);
  EXPECT_EQ(out, kNothing);
}

TEST(ImapEnvelope, TellsEmptyTextFromMissingText) {
  EXPECT_EQ(envelope("Date:\r\nSubject: \r\nFrom:\r\nTo: ,\r\nMessage-ID:\r\n\r\n"),
            R"(("" "" NIL NIL NIL NIL NIL NIL NIL ""))");
}

TEST(ImapEnvelope, WritesGroupsWithoutAHost) {
  EXPECT_EQ(envelope("To: Friends: Ann <a@x>, b@x;, undisclosed-recipients:;\r\n\r\n"),
            R"((NIL NIL NIL NIL NIL ((NIL NIL "Friends" NIL)("Ann" NIL "a" "x")(NIL NIL "b" "x")(NIL NIL NIL NIL))"
            R"((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL))");
  // One that is not closed is.
  EXPECT_EQ(envelope("Cc: G: a@x\r\n\r\n"),
            R"((NIL NIL NIL NIL NIL NIL ((NIL NIL "G" NIL)(NIL NIL "a" "x")(NIL NIL NIL NIL)) NIL NIL NIL))");
}

TEST(ImapEnvelope, NeverMakesAGroupOfAnAddressWithoutADomain) {
  EXPECT_EQ(envelope("From: root\r\nTo: <>\r\nCc: John Doe\r\n\r\n"),
            R"((NIL NIL ((NIL NIL "root" "")) ((NIL NIL "root" "")) ((NIL NIL "root" "")) )"
            R"(((NIL NIL "" "")) (("John Doe" NIL "" "")) NIL NIL NIL))");
}

TEST(ImapEnvelope, LeavesEncodedWordsAndTakesQuotesOff) {
  EXPECT_EQ(
      envelope("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?q?_x?=\r\n"
               "From: \"J. \\\"Q\\\" Public\" <\"j q\"@x>\r\nTo: =?iso-8859-1?q?J=F6rg?= <j@x>, k@x (Kay)\r\n\r\n"),
      R"((NIL "=?utf-8?q?Gr=C3=BC=C3=9Fe?= =?utf-8?q?_x?=" )"
      R"((("J. \"Q\" Public" NIL "j q" "x")) (("J. \"Q\" Public" NIL "j q" "x")) (("J. \"Q\" Public" NIL "j q" "x")) )"
      R"((("=?iso-8859-1?q?J=F6rg?=" NIL "j" "x")("Kay" NIL "k" "x")) NIL NIL NIL NIL))");
}

TEST(ImapEnvelope, SendsEightBitTextAsItIs) {
  const std::string_view header = "Subject: Grüße\r\nCc: J\xC3\xB6rg <j@x>\r\n\r\n";
  EXPECT_EQ(envelope(header), "(NIL {7}\r\nGrüße NIL NIL NIL NIL (({5}\r\nJörg NIL \"j\" \"x\")) NIL NIL NIL)");
  EXPECT_EQ(envelope(header, true), "(NIL \"Grüße\" NIL NIL NIL NIL ((\"Jörg\" NIL \"j\" \"x\")) NIL NIL NIL)");
  EXPECT_EQ(envelope("Subject: Gr\xFC\r\n\r\n", true), "(NIL {3}\r\nGr\xFC NIL NIL NIL NIL NIL NIL NIL NIL)");
}

TEST(ImapEnvelope, JoinsAddressFieldsAndTakesTheFirstOfOthers) {
  EXPECT_EQ(envelope("To: a@x\r\nSubject: one\r\nTO: b@x\r\nsubject: two\r\n\r\n"),
            R"((NIL "one" NIL NIL NIL ((NIL NIL "a" "x")(NIL NIL "b" "x")) NIL NIL NIL NIL))");
}

TEST(ImapEnvelope, DoesNotTellSourceRoutes) {
  EXPECT_EQ(envelope("Bcc: <@a,@b:j@c>\r\n\r\n"), R"((NIL NIL NIL NIL NIL NIL NIL ((NIL NIL "j" "c")) NIL NIL))");
}

// What a stranger writes never gets out of its string.
TEST(ImapEnvelope, HoldsHostileHeaders) {
  EXPECT_EQ(envelope("Subject: a\") (\"b\\\r\n* 1 EXPUNGE\r\n\r\n"),
            R"((NIL "a\") (\"b\\" NIL NIL NIL NIL NIL NIL NIL NIL))");
  EXPECT_EQ(envelope("Subject: x\r\r\n\tA1 OK\0\r{5}\r\n\r\n"sv),
            "(NIL \"x\tA1 OK{5}\" NIL NIL NIL NIL NIL NIL NIL NIL)");
  EXPECT_EQ(envelope("Message-ID: \x1B]0;x\x07\r\n\r\n"), "(NIL NIL NIL NIL NIL NIL NIL NIL NIL {6}\r\n\x1B]0;x\x07)");
  EXPECT_EQ(envelope("To: \"a\r\n * BYE\0\" <b@x>\r\n\r\n"sv),
            R"((NIL NIL NIL NIL NIL (("a * BYE" NIL "b" "x")) NIL NIL NIL NIL))");
}

TEST(ImapEnvelope, ReadsHeadersOfAnyLineEnd) {
  for (const char* end : {"\r\n", "\n", "\r"}) {
    const std::string header = "Subject: s"s + end + "To: a@x" + end + end + "Cc: b@x" + end;
    EXPECT_EQ(envelope(header), R"((NIL "s" NIL NIL NIL ((NIL NIL "a" "x")) NIL NIL NIL NIL))");
  }
}

TEST(ImapEnvelope, OfAMessageInsideIsItsOwn) {
  const mime::Message message =
      mime::parse("Subject: out\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nSubject: body\r\n");
  std::string out;
  append_envelope(message, message.parts[1], false, out);
  EXPECT_EQ(out, R"((NIL "in" NIL NIL NIL NIL NIL NIL NIL NIL))");
}

TEST(ImapEnvelope, StopsAtAsManyAddressesAsAClientKeeps) {
  std::string header = "To: ";
  for (int i = 0; i < 20'000; ++i) header += "a@x,";
  header += "\r\nTo: b@x\r\nCc: G:";
  for (int i = 0; i < 20'000; ++i) header += "c@x,";
  header += ";\r\n\r\n";
  imap::Quirks quirks;
  const auto read = fuzz::read_back("ENVELOPE " + envelope(header), &quirks);
  ASSERT_TRUE(read && read->envelope);
  EXPECT_EQ(read->envelope->to.size(), imap::kMaxAddresses - 1);
  EXPECT_EQ(read->envelope->cc.size(), imap::kMaxAddresses);
  EXPECT_FALSE(read->envelope->cc.back().mailbox);  // the group is closed
  EXPECT_EQ(quirks.count(imap::Quirk::LongList), 0U);
}

TEST(ImapEnvelope, IsReadBackWithTheSameMeaning) {
  const auto read = fuzz::read_back("ENVELOPE " + envelope("Date: today\r\nSubject: \xFF{3}\r\n \"x\"\r\n"
                                                           "From: \"a\\\\b\" <c@d>\r\nTo: G: e@f;, <g>\r\n"
                                                           "Message-ID: " +
                                                           std::string(5000, 'i') + "\r\n\r\n"));
  ASSERT_TRUE(read && read->envelope);
  const imap::Envelope& e = *read->envelope;
  EXPECT_EQ(e.date, "today");
  EXPECT_EQ(e.subject, "\xFF{3} \"x\"");
  ASSERT_EQ(e.from.size(), 1U);
  EXPECT_EQ(e.from[0].name, "a\\b");
  ASSERT_EQ(e.reply_to.size(), 1U);
  ASSERT_EQ(e.to.size(), 4U);
  EXPECT_FALSE(e.to[0].host);
  EXPECT_EQ(e.to[3].host, "");
  EXPECT_FALSE(e.in_reply_to);
  EXPECT_EQ(e.message_id, std::string(5000, 'i'));
}

}  // namespace
}  // namespace libsync::server

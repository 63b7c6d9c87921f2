// SEARCH of the IMAP server (RFC 9051, section 6.4.4): every key, charsets, case, and what is read for it.
#include <gmock/gmock.h>

#include "tests/unit/server/imap_talk.h"

namespace libsync::server {
namespace {

using ::testing::StartsWith;

constexpr int64_t kDay = 86'400;
constexpr int64_t kNow = 1'770'000'000;  // 2 February 2026, 02:40 UTC

class At final : public Clock {
 public:
  Steady::time_point now() const override { return {}; }
  int64_t unix_seconds() const override { return kNow; }
};
const At kClock;

ImapOptions at_that_time() {
  ImapOptions options;
  options.clock = &kClock;
  return options;
}

class ImapSearch : public ::testing::Test {
 protected:
  ImapSearch() {
    put("From: Joe <joe@example.org>\r\nTo: Ann <ann@example.org>\r\nCc: Cid <cid@example.org>\r\n"
        "Bcc: Bob <bob@example.org>\r\nSubject: first letter\r\nDate: Sun, 01 Feb 2026 23:30:00 -0800\r\n"
        "X-Odd: yes\r\n\r\nhello world\r\n",
        {.system = sync::kSeen | sync::kAnswered, .keywords = {"$Label"}}, kNow - 10);
    put("Subject: =?iso-8859-1?q?Z=FCrich?=\r\nContent-Type: text/plain; charset=gb18030\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n1tDOxA==\r\n",
        {.system = sync::kFlagged | sync::kDraft}, kNow - kDay);
    put("Subject: =?utf-8?b?w4RyZ2Vy?=\r\nContent-Type: text/plain; charset=koi8-r\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n=F0=D2=C9=D7=C5=D4, =\r\nsplit wo=\r\nrd\r\n",
        {.system = sync::kDeleted}, kNow - 10 * kDay);
    put("Date: Mon, 02 Feb 2026 10:00:00 +0000\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n"
        "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$BF|K\\\x1b(B\r\n--q\r\n"
        "Content-Type: message/rfc822\r\n\r\nSubject: within\r\n\r\ninner text\r\n--q--\r\n" +
            std::string(5000, 'x'),
        {}, kNow - 100 * kDay);
    talk = std::make_unique<ImapTalk>(mail, std::vector<std::string>{}, true, at_that_time());
    talk->say("s SELECT INBOX");
  }

  void put(std::string octets, sync::Flags flags, int64_t date) {
    mail->put(inbox, std::move(octets), std::move(flags), date);
  }

  // The numbers that are found.
  std::string find(std::string_view keys) {
    const std::string answer = talk->say("a SEARCH " + std::string(keys));
    if (!answer.starts_with("* SEARCH") || !answer.ends_with("\r\na OK done\r\n")) return answer;
    const std::string numbers = answer.substr(8, answer.size() - 21);
    return numbers.empty() ? "" : numbers.substr(1);
  }

  std::shared_ptr<MemoryMail> mail = std::make_shared<MemoryMail>(MemoryMailOptions{.clock = &kClock});
  FolderId inbox = mail->make_folder({"INBOX"}, sync::Role::Inbox);
  std::unique_ptr<ImapTalk> talk;
};

TEST_F(ImapSearch, EveryKeyFindsItsOwn) {
  const std::pair<const char*, const char*> rows[] = {
      {"ALL", "1 2 3 4"},
      {"ANSWERED", "1"},
      {"UNANSWERED", "2 3 4"},
      {"DELETED", "3"},
      {"UNDELETED", "1 2 4"},
      {"DRAFT", "2"},
      {"UNDRAFT", "1 3 4"},
      {"FLAGGED", "2"},
      {"UNFLAGGED", "1 3 4"},
      {"SEEN", "1"},
      {"UNSEEN", "2 3 4"},
      {"NEW", ""},
      {"OLD", "1 2 3 4"},
      {"RECENT", ""},
      {"KEYWORD $label", "1"},
      {"UNKEYWORD $Label", "2 3 4"},
      {"KEYWORD nosuch", ""},
      {"FROM joe", "1"},
      {"FROM JOE@EXAMPLE", "1"},
      {"TO ann", "1"},
      {"CC cid", "1"},
      {"BCC bob", "1"},
      {"SUBJECT letter", "1"},
      {"SUBJECT \"First L\"", "1"},
      {"SUBJECT nosuch", ""},
      {"HEADER X-Odd \"\"", "1"},
      {"HEADER x-odd YES", "1"},
      {"HEADER X-Odd no", ""},
      {"HEADER Subject \"\"", "1 2 3"},
      {"HEADER Subject letter", "1"},
      {"HEADER Date 2026", "1 4"},
      {"BODY hello", "1"},
      {"BODY letter", ""},
      {"TEXT letter", "1"},
      {"TEXT HELLO", "1"},
      {"TEXT X-Odd", "1"},
      {"BODY \"split word\"", "3"},
      {"BODY \"inner text\"", "4"},
      {"LARGER 4999", "4"},
      {"SMALLER 5000", "1 2 3"},
      {"LARGER 18446744073709551615", ""},
      {"BEFORE 2-Feb-2026", "2 3 4"},
      {"ON 2-Feb-2026", "1"},
      {"ON \"1-feb-2026\"", "2"},
      {"SINCE 1-Feb-2026", "1 2"},
      {"SENTON 1-Feb-2026", "1"},
      {"SENTBEFORE 2-Feb-2026", "1"},
      {"SENTSINCE 2-Feb-2026", "4"},
      {"SENTSINCE 1-Feb-2026", "1 4"},
      {"OLDER 86400", "2 3 4"},
      {"YOUNGER 86400", "1 2"},
      {"YOUNGER 9", ""},
      {"SAVEDON 2-Feb-2026", "1 2 3 4"},
      {"SAVEDBEFORE 2-Feb-2026", ""},
      {"SAVEDATESUPPORTED", "1 2 3 4"},
      {"UID 2:3", "2 3"},
      {"UID 4:*", "4"},
      {"UID 99:*", "4"},
      {"UID 99", ""},
      {"2:3", "2 3"},
      {"*", "4"},
      {"*:3", "3 4"},
      {"1,4", "1 4"},
      {"1:4294967295", "1 2 3 4"},
      {"4294967295:1", "1 2 3 4"},
      {"99", ""},
      {"NOT SEEN", "2 3 4"},
      {"NOT NOT SEEN", "1"},
      {"OR SEEN FLAGGED", "1 2"},
      {"OR (SEEN ANSWERED) (DELETED BODY split)", "1 3"},
      {"OR NOT 1:3 OR DRAFT DELETED", "2 3 4"},
      {"(ALL) ((UNSEEN))", "2 3 4"},
      {"UNSEEN UNFLAGGED 1:3", "3"},
      {"1:3 NOT (OR SEEN DRAFT)", "3"},
      {"FROM joe BODY hello", "1"},
      {"SUBJECT letter SENTON 1-Feb-2026 BODY world", "1"},
  };
  for (const auto& [keys, found] : rows) EXPECT_EQ(find(keys), found) << keys;
}

TEST_F(ImapSearch, UidSearchTellsUids) {
  mail->remove(inbox, 1);
  talk->say("n NOOP");
  EXPECT_EQ(talk->say("a UID SEARCH 1:2"), "* SEARCH 2 3\r\na OK done\r\n");
  EXPECT_EQ(talk->say("b SEARCH UID 2"), "* SEARCH 1\r\nb OK done\r\n");
}

TEST_F(ImapSearch, WhatWentIsNotFound) {
  mail->remove(inbox, 2);
  EXPECT_EQ(find("ALL"), "1 3 4");
}

TEST_F(ImapSearch, TextIsReadInItsCharset) {
  EXPECT_EQ(find("CHARSET UTF-8 BODY {3+}\r\n\xE4\xB8\xAD"), "2");
  EXPECT_EQ(find("CHARSET GB18030 BODY {4+}\r\n\xD6\xD0\xCE\xC4"), "2");
  EXPECT_EQ(find("CHARSET gb18030 TEXT \"\xD6\xD0\""), "2");
  EXPECT_EQ(find("CHARSET KOI8-R BODY {6+}\r\n\xF0\xD2\xC9\xD7\xC5\xD4"), "3");
  EXPECT_EQ(find("CHARSET ISO-2022-JP BODY {8+}\r\n\x1b$BF|\x1b(B"), "4");
  EXPECT_EQ(find("CHARSET ISO-8859-1 SUBJECT Z\xFCrich"), "2");
  EXPECT_EQ(find("CHARSET US-ASCII BODY hello"), "1");
  EXPECT_EQ(find("BODY {3+}\r\n\xE4\xB8\xAD"), "2") << "UTF-8 without a word";
  EXPECT_EQ(find("CHARSET \"UTF-8\" ALL"), "1 2 3 4");
}

TEST_F(ImapSearch, UnknownCharsetsAreRefused) {
  for (const char* charset : {"x-nobody", "UTF-8//TRANSLIT", "\"\"", "../../x"}) {
    EXPECT_THAT(talk->say("a SEARCH CHARSET " + std::string(charset) + " ALL"), StartsWith("a NO [BADCHARSET (UTF-8"))
        << charset;
  }
  EXPECT_THAT(talk->say("b SEARCH CHARSET"), StartsWith("b BAD "));
  EXPECT_THAT(talk->say("c SEARCH CHARSET UTF-8"), StartsWith("c BAD "));
}

TEST_F(ImapSearch, CaseIsNothingBeyondAsciiEither) {
  EXPECT_EQ(find("SUBJECT {7+}\r\nz\xC3\x9CRICH"), "2");
  EXPECT_EQ(find("SUBJECT {3+}\r\n\xC3\xA4r"), "3");
  EXPECT_EQ(find("BODY {6+}\r\n\xD0\x9F\xD1\x80\xD0\xB8"), "3");
  EXPECT_EQ(find("BODY {6+}\r\n\xD0\xBF\xD0\xA0\xD0\x98"), "3");
}

TEST_F(ImapSearch, LongTextsAreFoundTheSame) {
  const std::string word(3000, 'X');
  EXPECT_EQ(find("TEXT {" + std::to_string(word.size()) + "+}\r\n" + word), "");
  put("Subject: long\r\n\r\nA" + std::string(3000, 'x') + "b\r\n", {}, kNow);
  talk->say("n NOOP");
  EXPECT_EQ(find("BODY {3001+}\r\n" + word + "B"), "5");
}

TEST_F(ImapSearch, FieldsTooLongToBeAtHandAreRead) {
  put("Subject: " + std::string(200'000, 'x') + " needle\r\n\r\nbody", {}, kNow);
  talk->say("n NOOP");
  EXPECT_EQ(find("SUBJECT needle"), "5");
  EXPECT_EQ(find("OR SUBJECT needle SUBJECT letter"), "1 5");
  EXPECT_EQ(talk->say("a SEARCH RETURN (MIN MAX) MODSEQ 1 OR SUBJECT needle SUBJECT letter"),
            "* ESEARCH (TAG \"a\") MIN 1 MAX 5 MODSEQ 6\r\na OK done\r\n");
}

TEST_F(ImapSearch, SetsOfAMailboxFullOfGapsAreBounded) {
  for (int i = 0; i < 3000; ++i) mail->put(inbox, "x");
  for (uint32_t uid = 5; uid < 3004; uid += 2) mail->remove(inbox, uid);
  talk->say("n NOOP");
  std::string few = "RETURN (COUNT)", many = "RETURN (COUNT)";
  for (int i = 0; i < 100; ++i) few += " 1:*";
  for (int i = 0; i < 1000; ++i) many += " 1:*";
  EXPECT_EQ(find(few), "* ESEARCH (TAG \"a\") COUNT 1504\r\na OK done\r\n");
  EXPECT_THAT(find(many), StartsWith("a BAD "));
}

TEST_F(ImapSearch, BrokenTextIsSearchedAllTheSame) {
  EXPECT_EQ(find("BODY {2+}\r\n\xFF\xFE"), "");
  EXPECT_EQ(find(std::string_view("SUBJECT {3+}\r\n\0ab", 16)), "");
}

}  // namespace
}  // namespace libsync::server

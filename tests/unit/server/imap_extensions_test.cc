// Each extension of the IMAP server: what it does, and that it is gone without a trace where it is switched off.
#include <algorithm>
#include <set>
#include <sstream>

#include <gmock/gmock.h>

#include "libsync/server/imap_extension.h"

#include "tests/unit/server/imap_talk.h"

namespace libsync::server {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string literal(std::string_view octets) {
  return "{" + std::to_string(octets.size()) + "+}\r\n" + std::string(octets);
}

struct Row {
  std::string name;                     // as `off` has it
  std::vector<std::string> says;        // one line each, INBOX selected with a message
  std::string with;                     // in the last answer
  std::string without = " BAD ";        // in it, where it is off
  std::vector<std::string> also_off{};  // what would do instead
  bool stranger = false;                // before the login
};

std::vector<Row> rows() {
  return {
      {.name = "APPENDLIMIT", .says = {"a STATUS INBOX (APPENDLIMIT)"}, .with = "(APPENDLIMIT 268435456)"},
      {.name = "BINARY", .says = {"a FETCH 1 BINARY.PEEK[1]"}, .with = "BINARY[1] {13}"},
      {.name = "BINARY", .says = {"a APPEND INBOX ~{1+}\r\nx"}, .with = "a OK", .without = "[UNKNOWN-CTE]"},
      {.name = "CHILDREN", .says = {"a LIST \"\" %"}, .with = "\\HasNoChildren", .without = "a OK"},
      {.name = "COMPRESS=DEFLATE", .says = {"a COMPRESS DEFLATE"}, .with = "a OK"},
      {.name = "CONDSTORE", .says = {"a FETCH 1 MODSEQ"}, .with = "MODSEQ ("},
      {.name = "CONDSTORE", .says = {"a FETCH 1 FLAGS (CHANGEDSINCE 1)"}, .with = "MODSEQ ("},
      {.name = "CONDSTORE", .says = {"a STORE 1 (UNCHANGEDSINCE 1) FLAGS ()"}, .with = "[MODIFIED 1]"},
      {.name = "CONDSTORE", .says = {"a SEARCH MODSEQ 1"}, .with = "(MODSEQ "},
      {.name = "CONDSTORE", .says = {"a STATUS INBOX (HIGHESTMODSEQ)"}, .with = "(HIGHESTMODSEQ "},
      {.name = "CONDSTORE", .says = {"a SELECT INBOX (CONDSTORE)"}, .with = "[HIGHESTMODSEQ "},
      {.name = "CONDSTORE", .says = {"a SELECT INBOX"}, .with = "[HIGHESTMODSEQ ", .without = "a OK"},
      {.name = "CREATE-SPECIAL-USE", .says = {"a CREATE d (USE (\\Drafts))"}, .with = "a OK"},
      {.name = "ENABLE", .says = {"a ENABLE CONDSTORE"}, .with = "* ENABLED CONDSTORE"},
      {.name = "ESEARCH", .says = {"a SEARCH RETURN (COUNT) ALL"}, .with = "* ESEARCH (TAG \"a\") COUNT 1"},
      {.name = "ID", .says = {"a ID NIL"}, .with = "* ID ("},
      {.name = "IDLE", .says = {"a IDLE"}, .with = "+ "},
      {.name = "IMAP4rev2", .says = {"a ENABLE IMAP4rev2"}, .with = "* ENABLED IMAP4rev2", .without = "* ENABLED\r\n"},
      {.name = "IMAP4rev2", .says = {"a STATUS INBOX (DELETED)"}, .with = "(DELETED 0)"},
      {.name = "LIST-EXTENDED", .says = {"a LIST \"\" (INBOX Sent)"}, .with = "a OK"},
      {.name = "LIST-EXTENDED", .says = {"a LIST (SUBSCRIBED) \"\" *"}, .with = "\\Subscribed"},
      {.name = "LIST-EXTENDED", .says = {"a LIST \"\" * RETURN (CHILDREN)"}, .with = "a OK"},
      {.name = "LIST-STATUS",
       .says = {"a LIST \"\" * RETURN (STATUS (MESSAGES))"},
       .with = "* STATUS \"INBOX\" (MESSAGES 1)"},
      {.name = "LITERAL+", .says = {"a APPEND INBOX " + literal(std::string(5000, 'x'))}, .with = "a OK"},
      {.name = "LITERAL-", .says = {"a APPEND INBOX " + literal("x")}, .with = "a OK", .also_off = {"LITERAL+"}},
      {.name = "MOVE", .says = {"a MOVE 1 Sent"}, .with = "* 1 EXPUNGE"},
      {.name = "MOVE", .says = {"a UID MOVE 1 Sent"}, .with = "* 1 EXPUNGE"},
      {.name = "MULTIAPPEND", .says = {"a APPEND INBOX {1+}\r\na {1+}\r\nb"}, .with = "a OK"},
      {.name = "NAMESPACE", .says = {"a NAMESPACE"}, .with = "* NAMESPACE ((\"\" \"/\")) NIL NIL"},
      {.name = "NOTIFY", .says = {"a NOTIFY NONE"}, .with = "a OK"},
      {.name = "OBJECTID", .says = {"a FETCH 1 (EMAILID THREADID)"}, .with = "THREADID NIL"},
      {.name = "OBJECTID", .says = {"a SEARCH EMAILID Mx"}, .with = "* SEARCH\r\n"},
      {.name = "OBJECTID", .says = {"a STATUS INBOX (MAILBOXID)"}, .with = "(MAILBOXID (F"},
      {.name = "OBJECTID", .says = {"a CREATE new"}, .with = "[MAILBOXID (F", .without = "a OK"},
      {.name = "OBJECTID", .says = {"a SELECT INBOX"}, .with = "[MAILBOXID (F", .without = "a OK"},
      {.name = "PREVIEW", .says = {"a FETCH 1 PREVIEW"}, .with = "PREVIEW \"hello world\""},
      {.name = "QRESYNC", .says = {"a ENABLE QRESYNC"}, .with = "* ENABLED QRESYNC", .without = "* ENABLED\r\n"},
      {.name = "QRESYNC", .says = {"a ENABLE QRESYNC", "b SELECT INBOX (QRESYNC (1 1))"}, .with = "b OK"},
      {.name = "SASL-IR", .says = {"a AUTHENTICATE PLAIN AGpvZQBwZW5jaWw="}, .with = "a OK", .stranger = true},
      {.name = "SAVEDATE", .says = {"a FETCH 1 SAVEDATE"}, .with = "SAVEDATE \""},
      {.name = "SAVEDATE", .says = {"a SEARCH SAVEDSINCE 1-Jan-2000"}, .with = "* SEARCH 1\r\n"},
      {.name = "SEARCHRES", .says = {"a SEARCH RETURN (SAVE) ALL"}, .with = "a OK"},
      {.name = "SEARCHRES", .says = {"a SEARCH RETURN (SAVE) ALL", "b FETCH $ UID"}, .with = "(UID 1)"},
      {.name = "SPECIAL-USE", .says = {"a LIST \"\" Sent"}, .with = "\\Sent", .without = "a OK"},
      {.name = "SPECIAL-USE", .says = {"a LIST (SPECIAL-USE) \"\" *"}, .with = "\\Sent"},
      {.name = "STATUS=SIZE",
       .says = {"a STATUS INBOX (SIZE)"},
       .with = "(SIZE " + std::to_string(kLetter.size()) + ")"},
      {.name = "UIDPLUS", .says = {"a UID EXPUNGE 1"}, .with = "a OK"},
      {.name = "UIDPLUS", .says = {"a COPY 1 Sent"}, .with = "[COPYUID ", .without = "a OK"},
      {.name = "UIDPLUS", .says = {"a APPEND INBOX {1+}\r\nx"}, .with = "[APPENDUID ", .without = "a OK"},
      {.name = "UNSELECT", .says = {"a UNSELECT"}, .with = "a OK"},
      {.name = "UTF8=ACCEPT",
       .says = {"a ENABLE UTF8=ACCEPT"},
       .with = "* ENABLED UTF8=ACCEPT",
       .without = "* ENABLED\r\n"},
      {.name = "UTF8=ACCEPT", .says = {"a APPEND INBOX UTF8 (~{1+}\r\nx)"}, .with = "a OK"},
      {.name = "WITHIN", .says = {"a SEARCH OLDER 1"}, .with = "* SEARCH"},
      {.name = "WITHIN", .says = {"a SEARCH YOUNGER 4000000000"}, .with = "* SEARCH 1\r\n"},
  };
}

class ImapExtensions : public ::testing::Test {
 protected:
  ImapExtensions() {
    home.mail->make_folder({"Sent"}, sync::Role::Sent);
    home.mail->put(home.inbox, kLetter);
  }

  std::string last_answer(const Row& row, std::vector<std::string> off) {
    ImapTalk talk(home.mail, std::move(off), !row.stranger);
    if (!row.stranger) talk.say("s SELECT INBOX");
    std::string answer;
    for (const std::string& line : row.says) answer = talk.say(line);
    return answer;
  }

  std::set<std::string> told(std::vector<std::string> off) {
    ImapTalk talk(home.mail, std::move(off));
    std::istringstream words(talk.say("c CAPABILITY"));
    std::set<std::string> out;
    for (std::string word; words >> word;)
      out.insert(word.substr(0, word.starts_with("APPENDLIMIT=") ? 11 : word.npos));
    return out;
  }

  MailAtHome home;
};

TEST_F(ImapExtensions, EachDoesItsWork) {
  for (const Row& row : rows()) {
    MailAtHome fresh;
    home = fresh;
    home.mail->make_folder({"Sent"}, sync::Role::Sent);
    home.mail->put(home.inbox, kLetter);
    EXPECT_THAT(last_answer(row, row.also_off), HasSubstr(row.with)) << row.says.back();
  }
}

TEST_F(ImapExtensions, EachIsGoneWhereItIsSwitchedOff) {
  for (const Row& row : rows()) {
    std::vector<std::string> off = row.also_off;
    off.push_back(row.name);
    EXPECT_THAT(last_answer(row, off), AllOf(HasSubstr(row.without), Not(HasSubstr(row.with)))) << row.says.back();
  }
}

TEST_F(ImapExtensions, EachIsToldByCapabilityUnlessItIsSwitchedOff) {
  for (const Row& row : rows()) {
    EXPECT_TRUE(told(row.also_off).contains(row.name)) << row.name;
    EXPECT_FALSE(told({row.name}).contains(row.name)) << row.name;
  }
  // RFC 7888, section 5: never both.
  EXPECT_FALSE(told({}).contains("LITERAL-"));
}

TEST_F(ImapExtensions, EachHasARowHere) {
  const auto here = rows();
  for (const Extension* each : extensions()) {
    if (each->id == Ext::None || each->when == Extension::When::Silent) continue;
    EXPECT_TRUE(std::ranges::any_of(here, [&](const Row& row) { return row.name == each->name; })) << each->name;
  }
}

TEST_F(ImapExtensions, WhatNeedsAnotherIsNotOnOfferWithoutIt) {
  EXPECT_FALSE(told({"CONDSTORE"}).contains("QRESYNC"));
  EXPECT_FALSE(told({"ENABLE"}).contains("QRESYNC"));
  EXPECT_FALSE(told({"ENABLE"}).contains("UTF8=ACCEPT"));
  EXPECT_FALSE(told({"ESEARCH"}).contains("SEARCHRES"));
  EXPECT_FALSE(told({"LIST-EXTENDED"}).contains("LIST-STATUS"));
  EXPECT_FALSE(told({"SPECIAL-USE"}).contains("CREATE-SPECIAL-USE"));
  for (const char* part :
       {"NAMESPACE", "UNSELECT", "UIDPLUS", "ESEARCH", "SEARCHRES", "ENABLE", "IDLE", "SASL-IR", "LIST-EXTENDED",
        "LIST-STATUS", "MOVE", "LITERAL-", "STATUS=SIZE", "BINARY", "SPECIAL-USE", "CHILDREN"}) {
    EXPECT_FALSE(told({part}).contains("IMAP4rev2")) << part;
  }
  EXPECT_TRUE(told({"PREVIEW"}).contains("IMAP4rev2"));
}

// --- IDLE ---

TEST_F(ImapExtensions, IdleTellsAsItHappens) {
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  EXPECT_EQ(talk.say("i IDLE"), "+ ready\r\n");
  EXPECT_EQ(talk.hear(), "");
  home.mail->put(home.inbox, "x");
  EXPECT_EQ(talk.hear(), "* 2 EXISTS\r\n");
  home.mail->set_flags(home.inbox, 1, {.system = sync::kFlagged});
  EXPECT_EQ(talk.hear(), "* 1 FETCH (FLAGS (\\Flagged))\r\n");
  home.mail->remove(home.inbox, 1);
  EXPECT_EQ(talk.hear(), "* 1 EXPUNGE\r\n");
  EXPECT_EQ(talk.say("done"), "i OK done\r\n");
  EXPECT_EQ(talk.say("j IDLE"), "+ ready\r\n");
  EXPECT_THAT(talk.say("k NOOP"), StartsWith("j BAD "));
  EXPECT_EQ(talk.say("l NOOP"), "l OK done\r\n");
}

// --- LIST-EXTENDED, LIST-STATUS, CHILDREN, SPECIAL-USE ---

TEST_F(ImapExtensions, RecursivematchTellsParentsOfWhatMatches) {
  const FolderId foo = home.mail->make_folder({"foo"});
  home.mail->make_folder({"foo", "bar"});
  home.mail->make_folder({"gone", "deep", "sub"});
  const FolderId plain = home.mail->make_folder({"plain"});
  for (const FolderId each : {foo, plain}) ASSERT_TRUE(home.mail->subscribe(each, false));
  ImapTalk talk(home.mail);
  const std::string answer = talk.say("a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" %");
  EXPECT_THAT(answer, HasSubstr("* LIST (\\HasChildren) \"/\" \"foo\" (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"));
  EXPECT_THAT(answer, HasSubstr("* LIST (\\NonExistent \\Noselect \\HasChildren) \"/\" \"gone\" (\"CHILDINFO\" "));
  EXPECT_THAT(answer, Not(HasSubstr("plain")));
  EXPECT_THAT(talk.say("b LIST (SUBSCRIBED) \"\" %"), Not(HasSubstr("foo")));
  EXPECT_THAT(talk.say("c LIST (RECURSIVEMATCH) \"\" %"), StartsWith("c BAD "));
  EXPECT_THAT(talk.say("d LIST (REMOTE RECURSIVEMATCH) \"\" %"), StartsWith("d BAD "));
  EXPECT_THAT(talk.say("e LIST (NOSUCH) \"\" %"), StartsWith("e BAD "));
  EXPECT_THAT(talk.say("f LIST \"\" % RETURN (NOSUCH)"), StartsWith("f BAD "));
}

TEST_F(ImapExtensions, SelectionOptionsMustAllMatch) {
  const FolderId drafts = home.mail->make_folder({"Drafts"}, sync::Role::Drafts);
  ASSERT_TRUE(home.mail->subscribe(drafts, false));
  ImapTalk talk(home.mail);
  const std::string answer = talk.say("a LIST (SUBSCRIBED SPECIAL-USE) \"\" *");
  EXPECT_THAT(answer, HasSubstr("\"Sent\""));
  EXPECT_THAT(answer, Not(HasSubstr("\"Drafts\"")));
  EXPECT_THAT(answer, Not(HasSubstr("\"INBOX\"")));
}

TEST_F(ImapExtensions, ListStatusTellsEachMailboxThatCanBeSelected) {
  home.mail->make_folder({"top", "below"});
  ImapTalk talk(home.mail);
  EXPECT_EQ(
      talk.say("a LIST \"\" (top* Sent) RETURN (STATUS (MESSAGES UNSEEN) SUBSCRIBED)"),
      "* LIST (\\HasNoChildren \\Subscribed \\Sent) \"/\" \"Sent\"\r\n* STATUS \"Sent\" (MESSAGES 0 UNSEEN 0)\r\n"
      "* LIST (\\NonExistent \\Noselect \\HasChildren) \"/\" \"top\"\r\n"
      "* LIST (\\HasNoChildren \\Subscribed) \"/\" \"top/below\"\r\n* STATUS \"top/below\" (MESSAGES 0 UNSEEN 0)\r\n"
      "a OK done\r\n");
}

TEST_F(ImapExtensions, CreateSpecialUseRefusesWhatCannotBe) {
  ImapTalk talk(home.mail);
  EXPECT_THAT(talk.say("a CREATE t (USE (\\Trash))"), StartsWith("a OK"));
  EXPECT_THAT(talk.say("b LIST \"\" t"), HasSubstr("\\Trash"));
  EXPECT_THAT(talk.say("c CREATE u (USE (\\NoSuch))"), StartsWith("c NO [USEATTR] "));
  EXPECT_THAT(talk.say("d CREATE u (USE (\\Junk \\Archive))"), StartsWith("d NO [USEATTR] "));
  EXPECT_THAT(talk.say("e CREATE u (USE (Junk))"), StartsWith("e BAD "));
  EXPECT_THAT(talk.say("f CREATE u (USE)"), StartsWith("f BAD "));
  EXPECT_EQ(talk.say("g LIST \"\" u"), "g OK done\r\n");
}

// --- UIDPLUS, MOVE, MULTIAPPEND ---

TEST_F(ImapExtensions, UidExpungeTakesWhatIsNamedAlone) {
  for (int i = 0; i < 3; ++i) home.mail->put(home.inbox, "x", {.system = sync::kDeleted});
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  EXPECT_EQ(talk.say("a UID EXPUNGE 1:2,4,99"), "* 2 EXPUNGE\r\n* 3 EXPUNGE\r\na OK done\r\n");
  EXPECT_EQ(talk.say("b UID SEARCH ALL"), "* SEARCH 1 3\r\nb OK done\r\n");
  EXPECT_THAT(talk.say("c UID EXPUNGE"), StartsWith("c BAD "));
}

TEST_F(ImapExtensions, CopyuidNamesWhatWentWhere) {
  home.mail->put(home.inbox, "two");
  home.mail->put(home.inbox, "three");
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  EXPECT_THAT(talk.say("a UID COPY 1,3 Sent"), EndsWith(" 1,3 1:2] copied\r\n"));
  EXPECT_EQ(talk.say("b UID COPY 99 Sent"), "b OK copied\r\n");
  EXPECT_THAT(talk.say("c COPY 1 Nowhere"), StartsWith("c NO [TRYCREATE] "));
  const std::string moved = talk.say("d MOVE 2:3 Sent");
  EXPECT_THAT(moved, AllOf(StartsWith("* OK [COPYUID "), HasSubstr(" 2:3 3:4] ")));
  EXPECT_THAT(moved, EndsWith("* 2 EXPUNGE\r\n* 2 EXPUNGE\r\nd OK moved\r\n"));
  EXPECT_THAT(talk.say("e MOVE 1 INBOX"), AllOf(HasSubstr("* 1 EXPUNGE"), HasSubstr("* 1 EXISTS")));
}

TEST_F(ImapExtensions, MultiappendIsAllOrNone) {
  ImapTalk talk(home.mail);
  EXPECT_THAT(
      talk.give("a APPEND Sent (\\Seen) {1+}\r\na (k) \" 1-Feb-2026 10:00:00 +0100\" {2+}\r\nbb {3+}\r\nccc\r\n"),
      HasSubstr(" 1:3] kept"));
  talk.say("s SELECT Sent");
  EXPECT_THAT(talk.say("b FETCH 1:* (FLAGS RFC822.SIZE)"),
              HasSubstr("* 1 FETCH (FLAGS (\\Seen) RFC822.SIZE 1)\r\n* 2 FETCH (FLAGS (k) RFC822.SIZE 2)\r\n"
                        "* 3 FETCH (FLAGS () RFC822.SIZE 3)\r\n"));
  EXPECT_THAT(talk.give("c APPEND Sent {1+}\r\na (\\NoSuch) {2+}\r\nbb\r\n"), StartsWith("c BAD "));
  EXPECT_THAT(talk.give("d APPEND Sent {1+}\r\na{2+}\r\nbb\r\n"), StartsWith("d BAD "));
  EXPECT_THAT(talk.give("e APPEND Sent {1+}\r\na x\r\n"), StartsWith("e BAD "));
  EXPECT_THAT(talk.say("f STATUS Sent (MESSAGES)"), HasSubstr("(MESSAGES 3)"));
}

TEST_F(ImapExtensions, AppendlimitIsKept) {
  ImapOptions options;
  options.limits.message = 100;
  ImapTalk talk(home.mail, {}, true, options);
  EXPECT_THAT(talk.login, HasSubstr(" APPENDLIMIT=100 "));
  EXPECT_THAT(talk.say("a APPEND INBOX {101}"), StartsWith("a NO [TOOBIG] "));
  EXPECT_THAT(talk.say("b APPEND INBOX " + literal(std::string(101, 'x'))), StartsWith("b NO [TOOBIG] "));
  EXPECT_THAT(talk.say("c APPEND INBOX " + literal(std::string(100, 'x'))), StartsWith("c OK "));
}

// --- ESEARCH, SEARCHRES ---

TEST_F(ImapExtensions, EsearchTellsWhatIsAskedFor) {
  for (int i = 0; i < 4; ++i) home.mail->put(home.inbox, "x");
  home.mail->remove(home.inbox, 1);
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  EXPECT_EQ(talk.say("a SEARCH RETURN (MIN MAX COUNT ALL) ALL"),
            "* ESEARCH (TAG \"a\") MIN 1 MAX 4 ALL 1:4 COUNT 4\r\na OK done\r\n");
  EXPECT_EQ(talk.say("b UID SEARCH RETURN () ALL"), "* ESEARCH (TAG \"b\") UID ALL 2:5\r\nb OK done\r\n");
  EXPECT_EQ(talk.say("c UID SEARCH RETURN (MIN COUNT) SEEN"), "* ESEARCH (TAG \"c\") UID COUNT 0\r\nc OK done\r\n");
  EXPECT_THAT(talk.say("d SEARCH RETURN (NOSUCH) ALL"), StartsWith("d BAD "));
  EXPECT_THAT(talk.say("e SEARCH RETURN ALL"), StartsWith("e BAD "));
}

// RFC 4731, section 3.2.
TEST_F(ImapExtensions, EsearchTellsTheModseqOfWhatItFound) {
  for (int i = 0; i < 2; ++i) home.mail->put(home.inbox, "x");
  home.mail->set_flags(home.inbox, 2, {.system = sync::kSeen});
  home.mail->set_flags(home.inbox, 1, {.system = sync::kSeen});
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  // Modseqs: 6, 5, 4.
  EXPECT_EQ(talk.say("a SEARCH RETURN (MIN) MODSEQ 1"), "* ESEARCH (TAG \"a\") MIN 1 MODSEQ 6\r\na OK done\r\n");
  EXPECT_EQ(talk.say("b SEARCH RETURN (MAX) MODSEQ 1"), "* ESEARCH (TAG \"b\") MAX 3 MODSEQ 4\r\nb OK done\r\n");
  EXPECT_EQ(talk.say("c SEARCH RETURN (MIN MAX) MODSEQ 1 UID 2:3"),
            "* ESEARCH (TAG \"c\") MIN 2 MAX 3 MODSEQ 5\r\nc OK done\r\n");
  EXPECT_EQ(talk.say("d SEARCH RETURN (MAX COUNT) MODSEQ 1"),
            "* ESEARCH (TAG \"d\") MAX 3 COUNT 3 MODSEQ 6\r\nd OK done\r\n");
}

TEST_F(ImapExtensions, SearchresKeepsMessagesNotNumbers) {
  for (int i = 0; i < 3; ++i) home.mail->put(home.inbox, "x", {.system = i == 1 ? sync::kDeleted : sync::kSeen});
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  EXPECT_EQ(talk.say("a SEARCH RETURN (SAVE) OR SEEN DELETED"), "a OK done\r\n");
  EXPECT_EQ(talk.say("b FETCH $ UID"), "* 2 FETCH (UID 2)\r\n* 3 FETCH (UID 3)\r\n* 4 FETCH (UID 4)\r\nb OK done\r\n");
  talk.say("c EXPUNGE");
  EXPECT_EQ(talk.say("d FETCH $ UID"), "* 2 FETCH (UID 2)\r\n* 3 FETCH (UID 4)\r\nd OK done\r\n");
  EXPECT_EQ(talk.say("e SEARCH NOT $"), "* SEARCH 1\r\ne OK done\r\n");
  EXPECT_EQ(talk.say("f SEARCH RETURN (SAVE MIN) $"), "* ESEARCH (TAG \"f\") MIN 2\r\nf OK done\r\n");
  EXPECT_EQ(talk.say("g UID SEARCH UID $"), "* SEARCH 2\r\ng OK done\r\n");
  EXPECT_THAT(talk.say("h SEARCH RETURN (SAVE) NOSUCH"), StartsWith("h BAD "));
  EXPECT_EQ(talk.say("i FETCH $ UID"), "* 2 FETCH (UID 2)\r\ni OK done\r\n");
  EXPECT_THAT(talk.say("j SEARCH RETURN (SAVE) CHARSET x-nobody ALL"), StartsWith("j NO [BADCHARSET"));
  talk.say("k SELECT INBOX");
  EXPECT_EQ(talk.say("l FETCH $ UID"), "l OK done\r\n");
  EXPECT_THAT(talk.say("m FETCH $,1 UID"), StartsWith("m BAD "));
}

// --- CONDSTORE, QRESYNC ---

TEST_F(ImapExtensions, CondstoreTellsModseqsOnceAskedFor) {
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  EXPECT_EQ(talk.say("a STORE 1 +FLAGS (\\Seen)"), "* 1 FETCH (FLAGS (\\Seen))\r\na OK done\r\n");
  EXPECT_EQ(talk.say("b FETCH 1 MODSEQ"), "* 1 FETCH (MODSEQ (3))\r\nb OK done\r\n");
  EXPECT_EQ(talk.say("c STORE 1 -FLAGS (\\Seen)"), "* 1 FETCH (FLAGS () MODSEQ (4))\r\nc OK done\r\n");
  EXPECT_EQ(talk.say("d STORE 1 FLAGS.SILENT (\\Flagged)"), "* 1 FETCH (UID 1 MODSEQ (5))\r\nd OK done\r\n");
  EXPECT_EQ(talk.say("e FETCH 1 UID (CHANGEDSINCE 5)"), "e OK done\r\n");
  EXPECT_EQ(talk.say("f FETCH 1 UID (CHANGEDSINCE 4)"), "* 1 FETCH (UID 1 MODSEQ (5))\r\nf OK done\r\n");
  EXPECT_EQ(talk.say("g SEARCH MODSEQ \"/flags/\\\\Seen\" all 5"), "* SEARCH 1 (MODSEQ 5)\r\ng OK done\r\n");
  EXPECT_EQ(talk.say("h SEARCH MODSEQ 6"), "* SEARCH\r\nh OK done\r\n");
  EXPECT_THAT(talk.say("i FETCH 1 UID (CHANGEDSINCE)"), StartsWith("i BAD "));
  EXPECT_THAT(talk.say("j FETCH 1 UID (CHANGEDSINCE 99999999999999999999)"), StartsWith("j BAD "));
  EXPECT_THAT(talk.say("k FETCH 1 UID (CHANGEDSINCE 1 VANISHED)"), StartsWith("k BAD "));
}

TEST_F(ImapExtensions, UnchangedsinceLeavesWhatOthersChanged) {
  home.mail->put(home.inbox, "x");
  home.mail->put(home.inbox, "x");
  home.mail->set_flags(home.inbox, 2, {.system = sync::kFlagged});
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  const std::string answer = talk.say("a STORE 1:3 (UNCHANGEDSINCE 4) +FLAGS (\\Seen)");
  EXPECT_THAT(answer,
              AllOf(HasSubstr("* 1 FETCH (FLAGS (\\Seen) MODSEQ (6))"), HasSubstr("* 3 FETCH (FLAGS (\\Seen)")));
  EXPECT_THAT(answer, AllOf(Not(HasSubstr("* 2 FETCH")), HasSubstr("a OK [MODIFIED 2] ")));
  EXPECT_THAT(talk.say("b UID STORE 1:3 (UNCHANGEDSINCE 5) FLAGS ()"), HasSubstr("b OK [MODIFIED 1,3] "));
  EXPECT_THAT(talk.say("c STORE 1 (UNCHANGEDSINCE) FLAGS ()"), StartsWith("c BAD "));
  EXPECT_THAT(talk.say("d STORE 1 (CHANGEDSINCE 5) FLAGS ()"), StartsWith("d BAD "));
}

TEST_F(ImapExtensions, QresyncTellsWhatHappenedSince) {
  for (int i = 0; i < 4; ++i) home.mail->put(home.inbox, "x");
  const auto before = home.mail->folder(home.inbox);
  ASSERT_TRUE(before && *before);
  home.mail->remove(home.inbox, 2);
  home.mail->remove(home.inbox, 5);
  home.mail->set_flags(home.inbox, 3, {.system = sync::kSeen});
  const std::string known = std::to_string((*before)->uidvalidity) + " " + std::to_string((*before)->highestmodseq);
  ImapTalk talk(home.mail);
  EXPECT_THAT(talk.say("q SELECT INBOX (QRESYNC (" + known + "))"), StartsWith("q BAD "));
  EXPECT_EQ(talk.say("e ENABLE QRESYNC"), "* ENABLED QRESYNC\r\ne OK done\r\n");
  const std::string answer = talk.say("a SELECT INBOX (QRESYNC (" + known + "))");
  EXPECT_THAT(answer, HasSubstr("* VANISHED (EARLIER) 2,5\r\n* 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (9))\r\na OK "));
  EXPECT_THAT(talk.say("b SELECT INBOX (QRESYNC (" + known + " 1:3))"),
              AllOf(StartsWith("* OK [CLOSED] "), HasSubstr("* VANISHED (EARLIER) 2\r\n")));
  // The client and this server agree up to message 2, which is UID 3: what is below it is known to be gone.
  EXPECT_THAT(talk.say("c SELECT INBOX (QRESYNC (" + known + " 1:5 (1:2 1,3)))"),
              HasSubstr("* VANISHED (EARLIER) 5\r\n"));
  EXPECT_THAT(talk.say("d SELECT INBOX (QRESYNC (1 1))"), AllOf(Not(HasSubstr("VANISHED")), HasSubstr("d OK ")));
  EXPECT_EQ(talk.say("f UID FETCH 1:* FLAGS (CHANGEDSINCE " + std::to_string((*before)->highestmodseq) + " VANISHED)"),
            "* VANISHED (EARLIER) 2,5\r\n* 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (9))\r\nf OK done\r\n");
  for (const char* wrong : {"(QRESYNC)", "(QRESYNC ())", "(QRESYNC (0 1))", "(QRESYNC (1 x))", "(QRESYNC (1 1 0))",
                            "(QRESYNC (1 1 1 (1)))", "(QRESYNC (1 1 1 (1 1))", "(NOSUCH)"}) {
    EXPECT_THAT(talk.say(std::string("w SELECT INBOX ") + wrong), HasSubstr("w BAD ")) << wrong;
  }
}

TEST_F(ImapExtensions, QresyncTellsVanishedForExpunge) {
  for (int i = 0; i < 3; ++i) home.mail->put(home.inbox, "x", {.system = sync::kDeleted});
  ImapTalk talk(home.mail);
  talk.say("e ENABLE QRESYNC");
  talk.say("s SELECT INBOX");
  EXPECT_EQ(talk.say("a EXPUNGE"), "* VANISHED 2:4\r\na OK [HIGHESTMODSEQ 8] done\r\n");
  EXPECT_EQ(talk.say("b EXPUNGE"), "b OK done\r\n");
  home.mail->remove(home.inbox, 1);
  EXPECT_EQ(talk.say("c NOOP"), "* VANISHED 1\r\nc OK done\r\n");
}

// --- BINARY, PREVIEW, OBJECTID, SAVEDATE ---

TEST_F(ImapExtensions, BinaryDecodesParts) {
  home.mail->put(home.inbox,
                 "Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\nContent-Transfer-Encoding: base64\r\n\r\n"
                 "AGFi\r\n--q\r\nContent-Transfer-Encoding: x-odd\r\n\r\n?\r\n--q--\r\n");
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  EXPECT_EQ(talk.say("a FETCH 2 (BINARY.SIZE[1] BINARY.PEEK[1])"),
            std::string("* 2 FETCH (BINARY.SIZE[1] 3 BINARY[1] ~{3}\r\n\0ab)\r\na OK done\r\n", 61));
  EXPECT_EQ(talk.say("b FETCH 2 BINARY.PEEK[1]<1.1>"), "* 2 FETCH (BINARY[1]<1> {1}\r\na)\r\nb OK done\r\n");
  EXPECT_THAT(talk.say("c FETCH 2 BINARY.PEEK[2]"), AllOf(HasSubstr("c NO [UNKNOWN-CTE] "), Not(HasSubstr("FETCH ("))));
  EXPECT_THAT(talk.say("d FETCH 2 BINARY.PEEK[HEADER]"), StartsWith("d BAD "));
  EXPECT_THAT(talk.say("e FETCH 2 BINARY[1]"), HasSubstr(" FLAGS (\\Seen))"));
  EXPECT_THAT(talk.say("f FETCH 2 BINARY.PEEK[9]"), HasSubstr("BINARY[9] NIL"));
}

TEST_F(ImapExtensions, PreviewTakesLazyAndNoOther) {
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  EXPECT_THAT(talk.say("a FETCH 1 (PREVIEW (LAZY) UID)"), HasSubstr("(PREVIEW \"hello world\" UID 1)"));
  EXPECT_THAT(talk.say("b FETCH 1 PREVIEW (CHANGEDSINCE 1)"), HasSubstr("PREVIEW \"hello world\" MODSEQ (2)"));
  EXPECT_THAT(talk.say("c FETCH 1 PREVIEW (NOSUCH)"), StartsWith("c BAD "));
  EXPECT_THAT(talk.say("d FETCH 1 FLAGS"), HasSubstr("FLAGS ())"));
}

TEST_F(ImapExtensions, ObjectIdsSurviveMovesAndRenames) {
  ImapTalk talk(home.mail);
  talk.say("s SELECT INBOX");
  const std::string here = talk.say("a FETCH 1 EMAILID");
  talk.say("b MOVE 1 Sent");
  const std::string box = talk.say("c STATUS Sent (MAILBOXID)");
  talk.say("d RENAME Sent Gone");
  EXPECT_EQ(talk.say("c STATUS Gone (MAILBOXID)").substr(17), box.substr(17));
  talk.say("e SELECT Gone");
  EXPECT_EQ(talk.say("a FETCH 1 EMAILID"), here);
  const std::string id = here.substr(here.find("(M") + 1, 41);
  EXPECT_EQ(talk.say("f SEARCH EMAILID " + id), "* SEARCH 1\r\nf OK done\r\n");
}

// --- COMPRESS, ENABLE, ID, UTF8=ACCEPT, IMAP4rev2 ---

TEST_F(ImapExtensions, CompressGivesWhatCameBehindIt) {
  ImapTalk talk(home.mail);
  EXPECT_EQ(talk.session->take_deflate(), std::nullopt);
  talk.session->feed("a COMPRESS DEFLATE\r\nbehind\x01", talk.now);
  EXPECT_EQ(talk.session->take_output(talk.now), "a OK compressed from here on\r\n");
  EXPECT_FALSE(talk.session->wants_input());
  EXPECT_EQ(talk.session->take_deflate(), "behind\x01");
  EXPECT_EQ(talk.session->take_deflate(), std::nullopt);
  EXPECT_TRUE(talk.session->wants_input());
  EXPECT_THAT(talk.say("b COMPRESS DEFLATE"), StartsWith("b NO [COMPRESSIONACTIVE] "));
  EXPECT_THAT(talk.say("c COMPRESS LZMA"), StartsWith("c BAD "));
}

TEST_F(ImapExtensions, EnableTellsWhatItKnows) {
  ImapTalk talk(home.mail);
  EXPECT_EQ(talk.say("a ENABLE X-NOBODY condstore IDLE"), "* ENABLED CONDSTORE\r\na OK done\r\n");
  EXPECT_THAT(talk.say("b ENABLE"), StartsWith("b BAD "));
  EXPECT_THAT(talk.say("c ENABLE ("), StartsWith("c BAD "));
}

TEST_F(ImapExtensions, IdIsReadAndBounded) {
  ImapTalk talk(home.mail, {}, false);
  EXPECT_THAT(talk.say("a ID (\"name\" \"x\" version NIL)"), AllOf(StartsWith("* ID ("), HasSubstr("a OK ")));
  std::string many = "b ID (";
  for (int i = 0; i < 31; ++i) many += "\"k\" NIL ";
  EXPECT_THAT(talk.say(many + ")"), StartsWith("b BAD "));
  EXPECT_THAT(talk.say("c ID"), StartsWith("c BAD "));
  EXPECT_THAT(talk.say("d ID (name)"), StartsWith("d BAD "));
}

TEST_F(ImapExtensions, Utf8AcceptHasNamesAsTheyAre) {
  const std::string name = "Entw\xC3\xBCrfe";
  home.mail->make_folder({name});
  ImapTalk talk(home.mail);
  EXPECT_THAT(talk.say("a LIST \"\" E*"), HasSubstr("\"Entw&APw-rfe\""));
  EXPECT_THAT(talk.say("b STATUS Entw&APw-rfe (MESSAGES)"), HasSubstr("b OK "));
  EXPECT_THAT(talk.say("c STATUS \"" + name + "\" (MESSAGES)"), StartsWith("c NO "));
  talk.say("d ENABLE UTF8=ACCEPT");
  EXPECT_THAT(talk.say("e LIST \"\" E*"), HasSubstr("\"" + name + "\""));
  EXPECT_THAT(talk.say("f STATUS \"" + name + "\" (MESSAGES)"), HasSubstr("f OK "));
  talk.say("s SELECT INBOX");
  EXPECT_THAT(talk.say("g SEARCH CHARSET UTF-8 ALL"), StartsWith("g BAD "));
}

TEST_F(ImapExtensions, Imap4rev2SpeaksItsOwnWay) {
  ImapTalk talk(home.mail);
  talk.say("e ENABLE IMAP4rev2");
  const std::string selected = talk.say("s SELECT INBOX");
  EXPECT_THAT(selected, AllOf(Not(HasSubstr("RECENT")), HasSubstr("* LIST () \"/\" \"INBOX\"\r\n")));
  EXPECT_THAT(talk.say("t SELECT INBOX"), StartsWith("* OK [CLOSED] "));
  EXPECT_EQ(talk.say("a SEARCH ALL"), "* ESEARCH (TAG \"a\") ALL 1\r\na OK done\r\n");
  EXPECT_EQ(talk.say("b UID SEARCH SEEN"), "* ESEARCH (TAG \"b\") UID\r\nb OK done\r\n");
}

}  // namespace
}  // namespace libsync::server

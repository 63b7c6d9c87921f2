#include "libsync/replicas/imap.h"

#include <map>

#include <gtest/gtest.h>

#include "libsync/base/base64.h"
#include "libsync/replicas/pace.h"

#include "tests/unit/replicas/imap_script.h"

namespace libsync::replicas {
namespace {

class Changes final : public sync::ChangeSink {
 public:
  Status open(const sync::BoxId& box, const sync::BoxState& state) override {
    log += "open " + box + " " + std::to_string(state.epoch) + (state.full ? " full" : "") + "\n";
    return {};
  }
  Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override {
    log += "seen " + std::to_string(ref.key.number) + " " + std::to_string(facts.flags.system) + " " +
           std::to_string(facts.size) + " " + facts.object + (facts.knows_flags ? "" : "flags unknown") + "\n";
    return {};
  }
  Status vanished(const sync::BoxId&, uint64_t, const sync::Key& key) override {
    log += "vanished " + std::to_string(key.number) + "\n";
    return {};
  }
  Status present(const sync::BoxId&, std::span<const sync::KeyRange> ranges) override {
    log += "present";
    for (const auto& r : ranges) log += " " + std::to_string(r.first) + "-" + std::to_string(r.last);
    log += "\n";
    return {};
  }
  Status close(const sync::BoxId&, std::string_view next, uint64_t exists) override {
    log += "close " + std::to_string(exists) + " [" + std::string(next) + "]\n";
    return {};
  }
  Status missing(const sync::BoxId& box) override {
    log += "missing " + box + "\n";
    return {};
  }
  Status unreadable(const sync::BoxId& box, const Error& error) override {
    log += "unreadable " + box + ": " + error.server + "\n";
    words = error.what;
    return {};
  }
  std::string log, words;
};

constexpr std::string_view kModern = "ENABLE CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS SPECIAL-USE ESEARCH UNSELECT";
constexpr std::string_view kModernList =
    "C: T2 ENABLE QRESYNC\n"
    "C: T3 LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))\n"
    "S: * ENABLED QRESYNC\n"
    "S: T2 OK\n"
    "S: * LIST (\\\\Subscribed) \"/\" INBOX\n"
    "S: * STATUS INBOX (MESSAGES 2 UIDNEXT 8 UIDVALIDITY 5 HIGHESTMODSEQ 40)\n"
    "S: * LIST (\\\\Junk) \"/\" \"../../etc\"\n"
    "S: * STATUS \"../../etc\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 6 HIGHESTMODSEQ 1)\n"
    "S: * LIST (\\\\Noselect) \"/\" \"&U,BTFw-\"\n"
    "S: T3 OK\n";

class Nobody final : public sync::ActionSink {
  Status done(uint64_t, const sync::Outcome&) override { return {}; }
  Status durable() override { return {}; }
};

TEST(ImapReplica, SyncOfAnUnchangedAccountIsLoginListAndLogout) {
  auto o = open(login(kModern) + std::string(kModernList) + "C: T4 LOGOUT\n");
  ASSERT_TRUE(o.replica) << o.replica.error().text();
  const auto boxes = (*o).mailboxes({});
  ASSERT_TRUE(boxes) << boxes.error().text() << o.channel->mismatch();
  ASSERT_EQ(boxes->size(), 3U);
  std::map<sync::BoxId, sync::Mailbox> by_id;
  for (const auto& each : *boxes) by_id[each.id] = each;
  EXPECT_EQ(by_id.at("INBOX").role, sync::Role::Inbox);
  EXPECT_TRUE(by_id.at("INBOX").subscribed);
  EXPECT_EQ(by_id.at("../../etc").path, (sync::Path{"..", "..", "etc"}));
  EXPECT_EQ(by_id.at("../../etc").role, sync::Role::Junk);
  EXPECT_FALSE(by_id.at("台北").selectable);
  Changes changes;
  const std::vector<sync::BoxCursor> cursors{{"INBOX", "1 5 8 40 2 INBOX"}, {"../../etc", "1 6 1 1 0 ../../etc"}};
  EXPECT_TRUE((*o).changes(cursors, changes, {}));
  EXPECT_EQ(changes.log, "");
  EXPECT_EQ((*o).identity(), "imap://me@mail.example.org");
  const uint64_t before = o.channel->cost().round_trips;
  Nobody nobody;
  EXPECT_TRUE((*o).finish(nobody, {}));
  EXPECT_TRUE(o.channel->finished()) << o.channel->mismatch();
  EXPECT_EQ(o.channel->cost().round_trips, before) << "nothing depends on the answer to LOGOUT";
}

TEST(ImapReplica, QresyncTellsOnlyWhatChanged) {
  auto o =
      open(login(kModern) + std::string(kModernList) +
           "C: T4 EXAMINE INBOX (QRESYNC (5 30))\nC: T5 UID FETCH 7:* (UID FLAGS RFC822.SIZE INTERNALDATE)\n"
           "S: * 2 EXISTS\nS: * FLAGS (\\\\Seen \\\\Flagged)\nS: * OK [UIDVALIDITY 5]\nS: * OK [UIDNEXT 8]\n"
           "S: * OK [HIGHESTMODSEQ 40]\nS: * VANISHED (EARLIER) 3:4,4294967295\n"
           "S: * 1 FETCH (UID 5 FLAGS (\\\\Seen) MODSEQ (38))\nS: * 2 FETCH (UID 7 FLAGS () MODSEQ (40))\nS: T4 OK "
           "[READ-ONLY] in\n"
           "S: * 2 FETCH (UID 7 FLAGS () RFC822.SIZE 99)\nS: T5 OK\n");
  ASSERT_TRUE((*o).mailboxes({}));
  Changes changes;
  const std::vector<sync::BoxCursor> cursors{{"INBOX", "1 5 7 30 3 INBOX"}};
  const Status status = (*o).changes(cursors, changes, {});
  EXPECT_TRUE(status) << status.error().text() << o.channel->mismatch();
  EXPECT_EQ(changes.log,
            "open INBOX 5\nseen 5 1 0 \nseen 7 0 99 \nvanished 3\nvanished 4\nclose 2 [1 5 8 40 2 INBOX]\n");
}

// Between EXAMINE and [CLOSED] the server speaks of the mailbox that was open before.
TEST(ImapReplica, NewsOfTheMailboxBeforeIsNotThisOnes) {
  auto o = open(login(kModern) + std::string(kModernList) +
                "C: T4 EXAMINE INBOX (QRESYNC (5 30))\nC: T5 UID FETCH 7:* (UID FLAGS RFC822.SIZE INTERNALDATE)\n"
                "S: * 9 EXISTS\nS: * 1 FETCH (UID 5 FLAGS (\\\\Flagged))\nS: * VANISHED (EARLIER) 4\n"
                "S: * OK [HIGHESTMODSEQ 99]\nS: * OK [CLOSED] Previous mailbox closed\n"
                "S: * 2 EXISTS\nS: * OK [UIDVALIDITY 5]\nS: * OK [UIDNEXT 7]\nS: * OK [HIGHESTMODSEQ 40]\n"
                "S: * VANISHED (EARLIER) 3\nS: * 1 FETCH (UID 6 FLAGS (\\\\Seen))\nS: T4 OK in\nS: T5 OK\n");
  ASSERT_TRUE((*o).mailboxes({}));
  Changes changes;
  const std::vector<sync::BoxCursor> cursors{{"INBOX", "1 5 7 30 3 INBOX"}};
  EXPECT_TRUE((*o).changes(cursors, changes, {})) << o.channel->mismatch();
  EXPECT_EQ(changes.log, "open INBOX 5\nseen 6 1 0 \nvanished 3\nclose 2 [1 5 7 40 2 INBOX]\n");
}

TEST(ImapReplica, NumbersThatGoBackwardsLeadToAFullLook) {
  for (const char* state : {"S: * OK [UIDVALIDITY 6]\nS: * OK [UIDNEXT 9]\nS: * OK [HIGHESTMODSEQ 60]\n",
                            "S: * OK [UIDVALIDITY 5]\nS: * OK [UIDNEXT 9]\nS: * OK [HIGHESTMODSEQ 20]\n",
                            "S: * OK [UIDVALIDITY 5]\nS: * OK [UIDNEXT 6]\nS: * OK [HIGHESTMODSEQ 60]\n"}) {
    auto o = open(login(kModern) + std::string(kModernList) +
                  "C: T4 EXAMINE INBOX (QRESYNC (5 30))\nC: T5 UID FETCH 7:* (UID FLAGS RFC822.SIZE INTERNALDATE)\n"
                  "S: * 1 EXISTS\n" +
                  state +
                  "S: T4 OK in\nS: * 1 FETCH (UID 8 FLAGS () RFC822.SIZE 1)\nS: T5 OK\n"
                  "C: T6 EXAMINE INBOX (CONDSTORE)\nC: T7 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)\n"
                  "S: * 1 EXISTS\n" +
                  state + "S: T6 OK in\nS: * 1 FETCH (UID 5 FLAGS () RFC822.SIZE 11)\nS: T7 OK\n");
    ASSERT_TRUE((*o).mailboxes({}));
    Changes changes;
    const std::vector<sync::BoxCursor> cursors{{"INBOX", "1 5 7 30 3 INBOX"}};
    const Status status = (*o).changes(cursors, changes, {});
    EXPECT_TRUE(status) << status.error().text() << o.channel->mismatch();
    EXPECT_NE(changes.log.find(" full\nseen 5 0 11 \nclose 1 "), std::string::npos) << changes.log;
    EXPECT_EQ(changes.log.find("vanished"), std::string::npos);
  }
}

TEST(ImapReplica, ACountThatFallsWithoutExpungeIsLookedAtWholeAndRemovesNothing) {
  const auto said = [](std::string_view news) {
    auto o = open(login("") + std::string(kBare) +
                  "C: T6 EXAMINE INBOX\nC: T7 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)\n"
                  "S: * 2 EXISTS\nS: * OK [UIDVALIDITY 5]\nS: * OK [UIDNEXT 8]\nS: T6 OK in\n"
                  "S: * 1 FETCH (UID 5 FLAGS () RFC822.SIZE 11)\n" +
                  std::string(news) + "S: T7 OK\n");
    EXPECT_TRUE((*o).mailboxes({}));
    Changes changes;
    const std::vector<sync::BoxCursor> cursors{{"INBOX", ""}};
    EXPECT_TRUE((*o).changes(cursors, changes, {})) << o.channel->mismatch();
    return changes.log;
  };
  EXPECT_EQ(said("S: * 1 EXISTS\n"), "open INBOX 5 full\nseen 5 0 11 \nclose 18446744073709551615 []\n");
  EXPECT_EQ(said("S: * 2 EXPUNGE\nS: * 1 EXISTS\n"), "open INBOX 5 full\nseen 5 0 11 \nclose 1 [1 5 8 0 1 INBOX]\n");
}

TEST(ImapReplica, CondstoreListsWhatIsThere) {
  auto o = open(login("CONDSTORE ESEARCH") +
                "C: T2 LIST \"\" \"*\"\nC: T3 LSUB \"\" \"*\"\nS: * LIST () \".\" INBOX\nS: T2 OK\nS: T3 OK\n"
                "C: T4 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)\n"
                "S: * STATUS INBOX (MESSAGES 2 UIDNEXT 8 UIDVALIDITY 5 HIGHESTMODSEQ 41 )\nS: T4 OK\n"
                "C: T5 EXAMINE INBOX (CONDSTORE)\n"
                "C: T6 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE) (CHANGEDSINCE 40)\n"
                "C: T7 UID SEARCH RETURN (ALL) ALL\n"
                "S: * 2 EXISTS\nS: * OK [UIDVALIDITY 5]\nS: * OK [UIDNEXT 8]\nS: * OK [HIGHESTMODSEQ 41]\nS: T5 OK\n"
                "S: * 2 FETCH (UID 7 FLAGS (\\\\Answered) RFC822.SIZE 3 MODSEQ (41))\nS: T6 OK\n"
                "S: * ESEARCH (TAG \"T5\") UID ALL 1:9\nS: * ESEARCH (TAG \"T7\") UID ALL 5,7\nS: T7 OK\n");
  ASSERT_TRUE((*o).mailboxes({})) << o.channel->mismatch();
  Changes changes;
  const std::vector<sync::BoxCursor> cursors{{"INBOX", "1 5 8 40 3 INBOX"}};
  EXPECT_TRUE((*o).changes(cursors, changes, {})) << o.channel->mismatch();
  EXPECT_EQ(changes.log, "open INBOX 5\nseen 7 2 3 \npresent 5-5 7-7\nclose 2 [1 5 8 41 2 INBOX]\n");
}

TEST(ImapReplica, MailboxIsMissingOnlyWhenTheServerSaysSo) {
  for (const auto& [answer, log] :
       {std::pair("NO [NONEXISTENT] gone", "missing Old\n"), std::pair("NO gone", "unreadable Old: gone\n"),
        std::pair("NO [NOPERM] no", "unreadable Old: [NOPERM] no\n"),
        std::pair("BAD what", "unreadable Old: what\n")}) {
    auto o = open(login("") + std::string(kBare) +
                  "C: T6 EXAMINE Old\nC: T7 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)\nS: T6 " + answer +
                  "\nS: T7 BAD no mailbox\n");
    ASSERT_TRUE((*o).mailboxes({})) << o.channel->mismatch();
    Changes changes;
    const std::vector<sync::BoxCursor> cursors{{"Old", ""}};
    EXPECT_TRUE((*o).changes(cursors, changes, {})) << o.channel->mismatch();
    EXPECT_EQ(changes.log, log);
  }
}

std::string listing(std::string_view lines) {
  std::string script = login("") + std::string(kBare) +
                       "C: T6 EXAMINE INBOX\nC: T7 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)\n"
                       "S: * 2 EXISTS\nS: * OK [UIDVALIDITY 5]\nS: * OK [UIDNEXT 3]\nS: T6 OK in\n";
  return script.append(lines).append("S: T7 OK\n");
}

TEST(ImapReplica, MessageWithAnItemThatCantBeReadIsThere) {
  auto o =
      open(listing("S: * 1 FETCH (UID 1 FLAGS (\\\\Seen) RFC822.SIZE 44 INTERNALDATE NIL)\n"
                   "S: * 2 FETCH (UID 2 FLAGS NIL RFC822.SIZE NIL INTERNALDATE \"00-Jan-0000 00:00:00 +0000\")\n"));
  ASSERT_TRUE((*o).mailboxes({}));
  Changes changes;
  const std::vector<sync::BoxCursor> cursors{{"INBOX", ""}};
  EXPECT_TRUE((*o).changes(cursors, changes, {})) << o.channel->mismatch();
  EXPECT_EQ(changes.log, "open INBOX 5 full\nseen 1 1 44 \nseen 2 0 0 flags unknown\nclose 2 [1 5 3 0 2 INBOX]\n");
}

TEST(ImapReplica, LinesThatCantBeReadAreCountedAndNamed) {
  for (const auto& [lines, server, what] :
       {std::tuple("S: * 2 FETCH (UID x FLAGS ())\n", "* 2 FETCH (UID x FLAGS ()) (a number is missing)",
                   "mail.example.org: an answer in INBOX can't be read"),
        std::tuple("S: * 2 FETCH (FLAGS () RFC822.SIZE 3)\nS: * 3 FETCH (\n", "* 2 FETCH (no UID)",
                   "mail.example.org: 2 answers in INBOX can't be read")}) {
    auto o = open(listing(std::string("S: * 1 FETCH (UID 1 FLAGS () RFC822.SIZE 44)\n") + lines));
    ASSERT_TRUE((*o).mailboxes({}));
    Changes changes;
    const std::vector<sync::BoxCursor> cursors{{"INBOX", ""}};
    EXPECT_TRUE((*o).changes(cursors, changes, {})) << o.channel->mismatch();
    EXPECT_EQ(changes.log,
              std::string("open INBOX 5 full\nseen 1 0 44 \nclose 2 []\nunreadable INBOX: ") + server + "\n");
    EXPECT_EQ(changes.words, what);
  }
}

TEST(ImapReplica, MailboxNotListedIsAskedFor) {
  auto o =
      open(login("") + std::string(kBare) +
           "C: T6 EXAMINE \"New Box\"\nC: T7 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)\nS: T6 NO unknown\n"
           "S: T7 BAD no mailbox\n");
  ASSERT_TRUE((*o).mailboxes({}));
  Changes changes;
  const std::vector<sync::BoxCursor> cursors{{"New Box", "1 5 3 0 1 New Box"}};
  EXPECT_TRUE((*o).changes(cursors, changes, {})) << o.channel->mismatch();
  EXPECT_EQ(changes.log, "missing New Box\n");
}

TEST(ImapReplica, MailboxWhoseLineCantBeReadIsNamed) {
  auto o = open(login("") +
                "C: T2 LIST \"\" \"*\"\nC: T3 LSUB \"\" \"*\"\nS= * LIST () \"/\" {3}\\r\\na\\0b\\r\\n* LIST () \"/\" "
                "\"\"\\r\\n* LIST () \"/\" \"" +
                std::string(5000, 'x') +
                "\"\\r\\n* LIST (\\\\Noselect) \"/\" Fine\\r\\n\nS: T2 OK\nS= * LSUB () \"/\" {3}\\r\\na\\0b\\r\\n\nS: "
                "T3 OK\n");
  const auto boxes = (*o).mailboxes({});
  ASSERT_TRUE(boxes) << o.channel->mismatch();
  ASSERT_EQ(boxes->size(), 4U);
  std::map<std::string, std::string> troubles;
  for (const auto& each : *boxes) troubles[each.path.front().substr(0, 7)] = each.trouble;
  EXPECT_EQ(troubles.at("Fine"), "");
  EXPECT_NE(troubles.at("a b").find("NUL"), std::string::npos);
  EXPECT_NE(troubles.at("(a fold").find("empty"), std::string::npos);
  EXPECT_NE(troubles.at("xxxxxxx"), "");
}

// Extensions that decide names and identities

TEST(ImapReplica, NamesAreUtf8WhereEnabledOrWhereThereIsNothingElse) {
  for (const bool rev2 : {false, true}) {
    const std::string greeting = rev2 ? "IMAP4rev2 ENABLE" : "IMAP4rev1 ENABLE UTF8=ACCEPT";
    const std::string a = rev2 ? "T2" : "T3", b = rev2 ? "T3" : "T4";
    const std::string lists =
        rev2 ? "C: T2 LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY))\n"
             : "C: T2 ENABLE UTF8=ACCEPT\nC: T3 LIST \"\" \"*\"\nC: T4 LSUB \"\" \"*\"\nS: * ENABLED UTF8=ACCEPT\nS: "
               "T2 OK\n";
    auto o =
        open("S: * OK [CAPABILITY IMAP4rev1] hi\nC: T1 LOGIN \"me\" \"pw\"\nS: T1 OK [CAPABILITY " + greeting +
             "] in\n" + lists +
             "S: * LIST (\\\\Noselect) \"/\" \"\u53f0\u5317\"\nS: * LIST (\\\\Noselect) \"/\" \"&U,BTFw-\"\nS: " + a +
             " OK\n" + (rev2 ? "" : "S: " + b + " OK\n"));
    const auto boxes = (*o).mailboxes({});
    ASSERT_TRUE(boxes) << greeting << boxes.error().text() << o.channel->mismatch();
    ASSERT_EQ(boxes->size(), 2U);
    EXPECT_EQ(boxes->at(0).path, sync::Path{"&U,BTFw-"});
    EXPECT_EQ(boxes->at(1).path, sync::Path{"\u53f0\u5317"});
  }
}

TEST(ImapReplica, MailboxIdIsTheIdentityWhereThereAreAny) {
  auto o = open(login("OBJECTID") +
                "C: T2 LIST \"\" \"*\"\nC: T3 LSUB \"\" \"*\"\nS: * LIST () \"/\" INBOX\nS: * LIST () \"/\" Old\nS: T2 "
                "OK\nS: T3 OK\n"
                "C: T4 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)\nC: T5 STATUS INBOX (MAILBOXID)\n"
                "C: T6 STATUS Old (MESSAGES UIDNEXT UIDVALIDITY)\nC: T7 STATUS Old (MAILBOXID)\n"
                "S: * STATUS INBOX (MESSAGES 1 UIDNEXT 3 UIDVALIDITY 5)\nS: T4 OK\n"
                "S: * STATUS INBOX (MAILBOXID (F1))\nS: T5 OK\nS: T6 NO not now\nS: T7 NO not now\n"
                "C: T8 EXAMINE INBOX\nC: T9 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE EMAILID)\n"
                "S: * 1 EXISTS\nS: * OK [UIDVALIDITY 5]\nS: * OK [UIDNEXT 3]\nS: * OK [MAILBOXID (F1)]\nS: T8 OK in\n"
                "S: * 1 FETCH (UID 2 FLAGS () RFC822.SIZE 9 EMAILID (M1))\nS: T9 OK\n");
  const auto boxes = (*o).mailboxes({});
  ASSERT_TRUE(boxes) << o.channel->mismatch();
  ASSERT_EQ(boxes->size(), 2U);
  EXPECT_EQ(boxes->at(0).id, "F1");
  EXPECT_EQ(boxes->at(1).path, sync::Path{"Old"});  // there, and told: without its id it can't be known again
  EXPECT_NE(boxes->at(1).trouble, "");
  Changes changes;
  const std::vector<sync::BoxCursor> cursors{{"F1", ""}};
  EXPECT_TRUE((*o).changes(cursors, changes, {})) << o.channel->mismatch();
  EXPECT_EQ(changes.log, "open F1 5 full\nseen 2 0 9 emailid:M1\nclose 1 [1 5 3 0 1 INBOX]\n");
}

TEST(ImapReplica, MailboxWithoutModseqsIsLookedAtWhole) {
  auto o = open(login("CONDSTORE") +
                "C: T2 LIST \"\" \"*\"\nC: T3 LSUB \"\" \"*\"\nS: * LIST () \".\" INBOX\nS: T2 "
                "OK\nS: T3 OK\nC: T4 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)\n"
                "S: * STATUS INBOX (MESSAGES 1 UIDNEXT 8 UIDVALIDITY 5 HIGHESTMODSEQ 0)\nS: T4 OK\n"
                "C: T5 EXAMINE INBOX (CONDSTORE)\nC: T6 UID FETCH 1:* (UID FLAGS RFC822.SIZE INTERNALDATE)\n"
                "S: * 1 EXISTS\nS: * OK [UIDVALIDITY 5]\nS: * OK [UIDNEXT 8]\nS: * OK [NOMODSEQ] none\nS: T5 OK\n"
                "S: * 1 FETCH (UID 7 FLAGS () RFC822.SIZE 3)\nS: T6 OK\n");
  ASSERT_TRUE((*o).mailboxes({})) << o.channel->mismatch();
  Changes changes;
  const std::vector<sync::BoxCursor> cursors{{"INBOX", "1 5 8 0 1 INBOX"}};
  EXPECT_TRUE((*o).changes(cursors, changes, {})) << o.channel->mismatch();
  EXPECT_EQ(changes.log, "open INBOX 5 full\nseen 7 0 3 \nclose 1 [1 5 8 0 1 INBOX]\n");
}

// NetEase (163.com, 126.com) opens no mailbox for a client that has not said who it is.
TEST(ImapReplica, TellsItsNameBeforeItOpensAMailbox) {
  ImapOptions with = options();
  with.client_id = true;
  auto o = open(login("ID") +
                    "C~ T2 ID (\"name\" \"twinbox\"\nC: T3 LIST \"\" \"*\"\nC: T4 LSUB \"\" \"*\"\nS: * ID NIL\nS: T2 "
                    "OK\nS: * LIST (\\\\Noselect) \"/\" a\nS: T3 OK\nS: T4 OK\n",
                with);
  EXPECT_TRUE((*o).mailboxes({})) << o.channel->mismatch();
}

TEST(ImapReplica, CompressionBeginsBehindTheListing) {
  for (const bool agreed : {true, false}) {
    auto o = open(login("COMPRESS=DEFLATE") +
                  "C: T2 LIST \"\" \"*\"\nC: T3 LSUB \"\" \"*\"\nC: T4 COMPRESS DEFLATE\n"
                  "S: * LIST () \"/\" a\nS: T2 OK\nS: T3 OK\n" +
                  (agreed ? "S: T4 OK\nDEFLATE\n" : "S: T4 NO\n") +
                  "C: T5 STATUS a (MESSAGES UIDNEXT UIDVALIDITY)\nS: T5 OK\n"
                  "C: T6 LIST \"\" \"*\"\nC: T7 LSUB \"\" \"*\"\nS: T6 OK\nS: T7 OK\n");
    EXPECT_TRUE((*o).mailboxes({})) << o.channel->mismatch();
    EXPECT_TRUE((*o).mailboxes({})) << o.channel->mismatch();  // once is enough
  }
}

TEST(Pace, WaitingUsesItUpAndOctetsBringItBack) {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  Pace pace(seconds(10));
  for (int i = 0; i < 100; ++i) pace.took(seconds(1), kLeastRate);
  EXPECT_EQ(pace.left(), seconds(10));
  for (int i = 0; i < 15; ++i) pace.took(seconds(1), kLeastRate / 2);
  EXPECT_FALSE(pace.spent());
  for (int i = 0; i < 5; ++i) pace.took(seconds(1), kLeastRate / 2);
  EXPECT_TRUE(pace.spent());
  EXPECT_EQ(pace.left(), seconds(0));
  pace.took(milliseconds(1), UINT64_MAX);
  EXPECT_EQ(pace.left(), seconds(10));
  pace.took(seconds(9), 0);
  pace.begin();
  EXPECT_EQ(pace.left(), seconds(10));
}

// Required TLS

TEST(ImapLogin, SendsNoCredentialsWithoutTls) {
  for (const char* script :
       {"S: * OK [CAPABILITY IMAP4rev1] hi\n", "S: * PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hi\n",
        "S: * OK [CAPABILITY STARTTLS] hi\nC: T1 STARTTLS\nS: T1 NO [ALERT] call 0900\n",
        "S: * OK [CAPABILITY STARTTLS] hi\nC: T1 STARTTLS\nS: T1 BAD no\n",
        "S: * OK [CAPABILITY STARTTLS] hi\nC: T1 STARTTLS\nS: + go\n",
        "S: * OK [CAPABILITY STARTTLS] hi\nC: T1 STARTTLS\nS: T1 YES\n",
        "S: * OK [CAPABILITY STARTTLS] hi\nC: T1 STARTTLS\nS: T9 OK\n",
        "S: * OK [CAPABILITY STARTTLS] hi\nC: T1 STARTTLS\nS= T1 OK\\r\\n* CAPABILITY AUTH=PLAIN\\r\\n\n",
        "S= * OK [CAPABILITY STARTTLS] hi\\r\\nT1 OK early\\r\\n\n", "S: * OK hi\nC: T1 CAPABILITY\nS: T1 NO\n",
        "S: * OK hi\nC: T1 CAPABILITY\nS: T1 OK\n", "S: * BYE no\n", "S: * NO no\n", "S: T1 OK no\n", "CLOSE\n"}) {
    auto o = open(script, options(ImapSecurity::StartTls), false);
    EXPECT_FALSE(o.replica) << script;
    EXPECT_EQ(o.channel->sent().find("LOGIN"), std::string::npos) << script;
    // What is said before TLS is anybody's, and not shown as the server's words.
    EXPECT_EQ(o.replica.error().server, "") << script;
    EXPECT_EQ(o.channel->mismatch(), "") << script;
  }
}

TEST(ImapLogin, AsksAgainInsideTls) {
  std::string alerts;
  ImapOptions o = options(ImapSecurity::StartTls);
  o.on_alert = [&](std::string_view text) { alerts += text; };
  auto opened = open(
      "S: * OK [CAPABILITY STARTTLS AUTH=PLAIN] hi\nS: * OK [ALERT] call 0900\nC: T1 STARTTLS\nS: T1 OK\nTLS\nC: T2 "
      "CAPABILITY\n"
      "S: * CAPABILITY IMAP4rev1\nS: T2 OK\nC: T3 LOGIN \"me\" \"pw\"\nS: * OK [ALERT] quota\x1b\nS: T3 OK\nC: T4 "
      "CAPABILITY\n"
      "S: * CAPABILITY IMAP4rev1\nS: T4 OK\n",
      std::move(o), false);
  EXPECT_TRUE(opened.replica) << opened.replica.error().text() << opened.channel->mismatch();
  EXPECT_EQ(alerts, "quota ");
}

TEST(ImapLogin, ObeysLoginDisabled) {
  auto o = open("S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi\n");
  ASSERT_FALSE(o.replica);
  EXPECT_EQ(o.channel->sent(), "");
}

TEST(ImapLogin, SaysWhatIsOutsideAsciiInLiteralsOrBySasl) {
  ImapOptions o = options();
  o.credentials = {.user = "jos\u00E9", .password = Secret("d\u00E9j\u00E0")};
  const auto by_login = open(
      "S: * OK [CAPABILITY IMAP4rev1] hi\nC: T1 LOGIN {5}\nS: + go\nC= jos\u00E9 {6}\\r\\n\nS: + go\n"
      "C: d\u00E9j\u00E0\nS: T1 OK [CAPABILITY IMAP4rev1] in\n",
      o);
  EXPECT_TRUE(by_login.replica) << by_login.channel->mismatch();
  o.mechanism.clear();
  const auto by_plain =
      open("S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR UTF8=ACCEPT] hi\nC: T1 AUTHENTICATE PLAIN " +
               base64_encode(std::string("\0jos\u00E9\0d\u00E9j\u00E0", 13)) + "\nS: T1 OK [CAPABILITY IMAP4rev1] in\n",
           o);
  EXPECT_TRUE(by_plain.replica) << by_plain.channel->mismatch();
  o.credentials.password = Secret("caf\xE9");
  const auto refused = open("S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi\n", o);
  ASSERT_FALSE(refused.replica);
  EXPECT_EQ(refused.replica.error().what, "mail.example.org: user name or password is not UTF-8");
}

TEST(ImapLogin, RefusedPasswordIsToldInTheServersWords) {
  auto o = open(
      "S: * OK [CAPABILITY IMAP4rev1] hi\nC: T1 LOGIN \"me\" \"pw\"\nS: T1 NO [AUTHENTICATIONFAILED] wrong\x1b[31m\n");
  ASSERT_FALSE(o.replica);
  EXPECT_EQ(o.replica.error().code, Errc::Auth);
  EXPECT_EQ(o.replica.error().server, "[AUTHENTICATIONFAILED] wrong [31m");
  EXPECT_FALSE(o.replica.error().retry);
}

TEST(ImapLogin, UnavailableMayWorkLater) {
  auto o = open("S: * OK [CAPABILITY IMAP4rev1] hi\nC: T1 LOGIN \"me\" \"pw\"\nS: T1 NO [UNAVAILABLE] down\n");
  ASSERT_FALSE(o.replica);
  EXPECT_EQ(o.replica.error().code, Errc::Refused);
  EXPECT_TRUE(o.replica.error().retry);
}

TEST(ImapLogin, SpeaksSaslAtOnceWhereItMay) {
  ImapOptions with = options();
  with.mechanism = "PLAIN";
  auto o = open(
      "S: * OK [CAPABILITY SASL-IR AUTH=PLAIN] hi\nC: T1 AUTHENTICATE PLAIN AG1lAHB3\nS: T1 OK [CAPABILITY X] in\n",
      with);
  EXPECT_TRUE(o.replica) << o.channel->mismatch();
  auto p = open(
      "S: * OK [CAPABILITY AUTH=PLAIN] hi\nC: T1 AUTHENTICATE PLAIN\nS: +\nC: AG1lAHB3\nS: T1 OK [CAPABILITY X] in\n",
      with);
  EXPECT_TRUE(p.replica) << p.replica.error().text() << p.channel->mismatch();
}

TEST(ImapReplica, LeavesOutSharedMailboxesAndAllMail) {
  auto o =
      open(login("NAMESPACE X-GM-EXT-1") +
           "C: T2 NAMESPACE\nC: T3 LIST \"\" \"*\"\nC: T4 LSUB \"\" \"*\"\nS: * NAMESPACE ((\"\" \"/\")) ((\"~\" "
           "\"/\")) ((\"Public/\" \"/\"))\nS: T2 OK\n"
           "S: * LIST (\\\\Noselect) \"/\" Public\nS: * LIST () \"/\" Public/news\nS: * LIST () \"/\" ~bob\nS: * LIST "
           "(\\\\All) \"/\" All\n"
           "S: * LIST () \"/\" Mine\nS: T3 OK\nS: T4 OK\nC: T5 STATUS Mine (MESSAGES UIDNEXT UIDVALIDITY)\nS: T5 OK\n");
  const auto boxes = (*o).mailboxes({});
  ASSERT_TRUE(boxes) << o.channel->mismatch();
  ASSERT_EQ(boxes->size(), 1U);
  EXPECT_EQ(boxes->front().id, "Mine");
}

TEST(ImapReplica, NamesThatLookTheSameAreToldApart) {
  auto o = open(login("") +
                "C: T2 LIST \"\" \"*\"\nC: T3 LSUB \"\" \"*\"\nS: * LIST (\\\\Noselect) \"/\" a&-b\nS: * LIST "
                "(\\\\Noselect) \"/\" a&b\nS: T2 OK\nS: T3 OK\n");
  const auto boxes = (*o).mailboxes({});
  ASSERT_TRUE(boxes) << o.channel->mismatch();
  ASSERT_EQ(boxes->size(), 2U);
  EXPECT_NE(boxes->at(0).id, boxes->at(1).id);
  EXPECT_NE(boxes->at(0).path, boxes->at(1).path);
}

TEST(ImapReplica, IdlesAndSaysWhereSomethingHappened) {
  auto o =
      open(login("IDLE") + std::string(kBare) +
           "C: T6 EXAMINE INBOX\nS: * 1 EXISTS\nS: * OK [UIDVALIDITY 5]\nS: T6 OK\nC: T7 IDLE\nS: + go\nS: * 2 EXISTS\n"
           "C: DONE\nS: T7 OK\n");
  ASSERT_TRUE((*o).mailboxes({}));
  const auto where = (*o).wait(Steady::now() + std::chrono::seconds(5), {});
  ASSERT_TRUE(where) << where.error().text() << o.channel->mismatch();
  EXPECT_EQ(*where, std::vector<sync::BoxId>{"INBOX"});
}

}  // namespace
}  // namespace libsync::replicas

// apply() of an IMAP account: mailboxes made, renamed, subscribed to and deleted.
#include <algorithm>

#include "tests/unit/replicas/imap_apply_script.h"

namespace libsync::replicas {
namespace {

Action create(uint64_t token, sync::Path path, sync::Role role = sync::Role::None, bool subscribed = true) {
  return {.token = token, .op = Op::CreateBox, .path = std::move(path), .role = role, .subscribed = subscribed};
}
Action rename(uint64_t token, std::string box, sync::Path path) {
  return {.token = token, .op = Op::RenameBox, .box = std::move(box), .path = std::move(path)};
}
Action removal_of(uint64_t token, std::string box) {
  return {.token = token, .op = Op::DeleteBox, .box = std::move(box)};
}

TEST(ImapBoxes, AreMadeInOneFlightAndSubscribedToInTheNext) {
  Writing w("UIDPLUS",
            "C: T6 CREATE &U,BTFw-\nC: T7 LIST \"\" \"&U,BTFw-\"\nC: T8 CREATE \"a b/c\"\n"
            "C: T9 LIST \"\" \"a b/c\"\nS: T6 OK\nS: * LIST () \"/\" &U,BTFw-\nS: T7 OK\nS: T8 OK\n"
            "S: * LIST () \"/\" \"a b/c\"\nS: T9 OK\nC: T10 SUBSCRIBE &U,BTFw-\nS: T10 NO whatever\n"
            "C: T11 SELECT \"a b/c\"\nS: * OK [UIDVALIDITY 5]\nS: T11 OK\n");
  EXPECT_EQ(w.apply({create(1, {"台北"}), create(2, {"a b", "c"}, sync::Role::None, false)}), "1:ok 2:ok");
  EXPECT_EQ(w.done.of[1].box, "台北");
  EXPECT_EQ(w.done.of[2].box, "a b/c");
  // The table knows it.
  Action flag = seen(3, 1);
  flag.ref.box = "a b/c";
  flag.ref.epoch = 4;
  EXPECT_EQ(w.apply({flag}), "3:nobox");
  EXPECT_TRUE(w.finished());
}

TEST(ImapBoxes, ANameThatIsTakenExistsWhateverTheWords) {
  for (const char* words : {"[ALREADYEXISTS] it is", "Mailbox exists", "[CANNOT] no"}) {
    Writing w("UIDPLUS", "C: T6 CREATE Old\nC: T7 LIST \"\" \"Old\"\nS: T6 NO " + std::string(words) +
                             "\nS: * LIST () \"/\" Old\nS: T7 OK\n");
    EXPECT_EQ(w.apply({create(1, {"Old"})}), "1:exists");
    EXPECT_EQ(w.done.of[1].box, "Old");
  }
  Writing no("UIDPLUS", "C: T6 CREATE New\nC: T7 LIST \"\" \"New\"\nS: T6 NO [NOPERM] no\nS: T7 OK\n");
  EXPECT_EQ(no.apply({create(1, {"New"})}), "1:readonly");
  Writing inbox("UIDPLUS", "");
  EXPECT_EQ(inbox.apply({create(1, {"InBox"})}), "1:exists");
  EXPECT_EQ(inbox.done.of[1].box, "INBOX");
}

TEST(ImapBoxes, NamesThatCantBeAreRefusedWithoutAsking) {
  Writing w("UIDPLUS", "");
  EXPECT_EQ(w.apply({create(1, {"a/b"}), create(2, {""}), create(3, {"a\r\nT9 DELETE INBOX"}), create(4, {}),
                     create(5, {"\xff"}), create(6, {std::string(5000, 'x')})}),
            "1:never 2:never 3:never 4:never 5:never 6:never");
  for (const auto& [token, outcome] : w.done.of) EXPECT_NE(outcome.words, "") << token;
}

// Courier, and Cyrus without altnamespace.
TEST(ImapBoxes, NewNamesGoBelowThePersonalNamespace) {
  auto o = open(
      login("NAMESPACE UIDPLUS") +
          "C: T2 NAMESPACE\nC: T3 LIST \"\" \"*\"\nC: T4 LSUB \"\" \"*\"\n"
          "S: * NAMESPACE ((\"INBOX.\" \".\")) NIL ((\"shared.\" \".\"))\nS: T2 OK\n"
          "S: * LIST () \".\" INBOX\nS: * LIST () \".\" INBOX.Old\nS: T3 OK\nS: T4 OK\n"
          "C: T5 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)\nC: T6 STATUS INBOX.Old (MESSAGES UIDNEXT UIDVALIDITY)\n"
          "S: T5 OK\nS: T6 OK\n"
          "C: T7 CREATE INBOX.New.Deep\nC: T8 LIST \"\" \"INBOX.New.Deep\"\nC: T9 CREATE INBOX.Own\n"
          "C: T10 LIST \"\" \"INBOX.Own\"\nC: T11 CREATE shared.all\nC: T12 LIST \"\" \"shared.all\"\n"
          "S: T7 OK\nS: * LIST () \".\" INBOX.New.Deep\nS: T8 OK\nS: T9 OK\nS: * LIST () \".\" INBOX.Own\n"
          "S: T10 OK\nS: T11 NO [NOPERM] no\nS: T12 OK\n"
          "C: T13 RENAME INBOX.Old INBOX.Older\nC: T14 LIST \"\" \"INBOX.Old\"\nC: T15 LIST \"\" \"INBOX.Older\"\n"
          "S: T13 OK\nS: T14 OK\nS: T15 OK\n",
      Writing::writable());
  ASSERT_TRUE(o.replica) << o.channel->mismatch();
  ASSERT_TRUE((*o).mailboxes({})) << o.channel->mismatch();
  Done done;
  const std::vector<Action> actions = {create(1, {"New", "Deep"}, sync::Role::None, false),
                                       create(2, {"INBOX", "Own"}, sync::Role::None, false),
                                       create(3, {"shared", "all"}, sync::Role::None, false)};
  ASSERT_TRUE((*o).apply(actions, done, {})) << o.channel->mismatch();
  EXPECT_EQ(done.text(), "1:ok 2:ok 3:readonly");
  EXPECT_EQ(done.of[1].box, "INBOX/New/Deep");
  Done renamed;
  const std::vector<Action> one = {rename(1, "INBOX/Old", {"Older"})};
  ASSERT_TRUE((*o).apply(one, renamed, {})) << o.channel->mismatch();
  EXPECT_EQ(renamed.text(), "1:ok");
  EXPECT_EQ(renamed.of[1].box, "INBOX/Older");
}

TEST(ImapBoxes, ARoleIsAskedForAndGivenUpBeforeTheMailboxIs) {
  Writing w("UIDPLUS CREATE-SPECIAL-USE",
            "C: T6 CREATE Sent (USE (\\Sent))\nC: T7 LIST \"\" \"Sent\"\nS: T6 OK\nS: * LIST (\\\\Sent) \"/\" Sent\nS: "
            "T7 OK\n"
            "C: T8 SUBSCRIBE Sent\nS: T8 OK\n"
            "C: T9 CREATE Bin (USE (\\Trash))\nC: T10 LIST \"\" \"Bin\"\nS: T9 NO [USEATTR] there is one\nS: T10 OK\n"
            "C: T11 CREATE Bin\nC: T12 LIST \"\" \"Bin\"\nS: T11 OK\nS: * LIST () \"/\" Bin\nS: T12 OK\n"
            "C: T13 SUBSCRIBE Bin\nS: T13 OK\n");
  EXPECT_EQ(w.apply({create(1, {"Sent"}, sync::Role::Sent), create(2, {"Bin"}, sync::Role::Trash)}), "1:ok 2:ok");
  EXPECT_TRUE(w.finished());
  Writing plain("UIDPLUS", "C: T6 CREATE Sent\nC: T7 LIST \"\" \"Sent\"\nS: T6 OK\nS: T7 OK\n");
  EXPECT_EQ(plain.apply({create(1, {"Sent"}, sync::Role::Sent, false)}), "1:ok");
}

TEST(ImapBoxes, AreRenamedWithThoseBelow) {
  Writing w("UIDPLUS",
            "C: T6 CREATE Old/x\nC: T7 LIST \"\" \"Old/x\"\nS: T6 OK\nS: * LIST () \"/\" Old/x\nS: T7 OK\n"
            "C: T8 RENAME Old New\nC: T9 LIST \"\" \"Old\"\nC: T10 LIST \"\" \"New\"\nS: T8 OK\nS: T9 OK\n"
            "S: * LIST () \"/\" New\nS: T10 OK\n"
            "C: T11 SUBSCRIBE New/x\nC: T12 UNSUBSCRIBE New/x\nS: T11 OK\nS: T12 OK\n");
  EXPECT_EQ(w.apply({create(1, {"Old", "x"}, sync::Role::None, false),
                     rename(2, "Old", {"New"}),
                     {.token = 3, .op = Op::Subscribe, .box = "New/x"},
                     {.token = 4, .op = Op::Subscribe, .box = "New/x", .subscribed = false}}),
            "1:ok 2:ok 3:ok 4:ok");
  EXPECT_EQ(w.done.of[2].box, "New");
  EXPECT_TRUE(w.finished());
}

TEST(ImapBoxes, ASubscriptionGoesAlongWithItsName) {
  Writing w("UIDPLUS",
            "C: T6 SUBSCRIBE Old\nS: T6 OK\nC: T7 RENAME Old New\nC: T8 LIST \"\" \"Old\"\n"
            "C: T9 LIST \"\" \"New\"\nS: T7 OK\nS: T8 OK\nS: T9 OK\n"
            "C: T10 SUBSCRIBE New\nC: T11 UNSUBSCRIBE Old\nS: T10 OK\nS: T11 OK\n");
  EXPECT_EQ(w.apply({{.token = 1, .op = Op::Subscribe, .box = "Old"}, rename(2, "Old", {"New"})}), "1:ok 2:ok");
  EXPECT_TRUE(w.finished());
}

TEST(ImapBoxes, ARenamingThatIsRefusedSaysWhy) {
  const std::string asked = "C: T6 RENAME Old New\nC: T7 LIST \"\" \"Old\"\nC: T8 LIST \"\" \"New\"\nS: T6 NO why\n";
  Writing taken("UIDPLUS", asked + "S: * LIST () \"/\" Old\nS: T7 OK\nS: * LIST () \"/\" New\nS: T8 OK\n");
  EXPECT_EQ(taken.apply({rename(1, "Old", {"New"})}), "1:exists");
  Writing gone("UIDPLUS", asked + "S: T7 OK\nS: T8 OK\n");
  EXPECT_EQ(gone.apply({rename(1, "Old", {"New"})}), "1:nobox");
  Writing no("UIDPLUS", asked + "S: * LIST () \"/\" Old\nS: T7 OK\nS: T8 OK\n");
  EXPECT_EQ(no.apply({rename(1, "Old", {"New"})}), "1:refused");
  Writing inbox("UIDPLUS", "");
  EXPECT_EQ(inbox.apply({rename(1, "INBOX", {"New"}), rename(2, "Old", {"inbox"}), rename(3, "Old", {"a/b"})}),
            "1:refused 2:refused 3:never");
}

TEST(ImapBoxes, AreDeletedOnlyWithoutMessages) {
  const std::string asked = "C: T6 STATUS Old (MESSAGES)\nC: T7 LIST \"\" \"Old\"\n";
  const std::string listed = "S: * LIST () \"/\" Old\nS: T7 OK\n";
  Writing full("UIDPLUS", asked + "S: * STATUS Old (MESSAGES 1)\nS: T6 OK\n" + listed);
  EXPECT_EQ(full.apply({removal_of(1, "Old")}), "1:notempty");
  Writing silent("UIDPLUS", asked + "S: T6 OK\n" + listed);
  EXPECT_EQ(silent.apply({removal_of(1, "Old")}), "1:refused") << "not known, and so not done";
  Writing gone("UIDPLUS", asked + "S: T6 NO no such folder\nS: T7 OK\n");
  EXPECT_EQ(gone.apply({removal_of(1, "Old")}), "1:nobox");
  Writing held("UIDPLUS", asked + "S: T6 NO [INUSE] later\n" + listed);
  EXPECT_EQ(held.apply({removal_of(1, "Old")}), "1:retry");
  Writing empty("UIDPLUS", asked + "S: * STATUS Old (MESSAGES 0)\nS: T6 OK\n" + listed +
                               "C: T8 DELETE Old\nC: T9 LIST \"\" \"Old\"\nS: T8 OK\nS: T9 OK\n"
                               "C: T10 UNSUBSCRIBE Old\nS: T10 OK\n");
  EXPECT_EQ(empty.apply({removal_of(1, "Old")}), "1:ok");
  EXPECT_TRUE(empty.finished());
  Writing inbox("UIDPLUS", "");
  EXPECT_EQ(inbox.apply({removal_of(1, "INBOX")}), "1:refused");
}

TEST(ImapBoxes, OneThatIsOpenIsLeftFirstAndNothingExpungedByIt) {
  for (const char* unselect : {"UNSELECT", ""}) {
    const std::string leave = *unselect != 0 ? "C: T7 UNSELECT\n" : "C: T7 EXAMINE INBOX\n";
    Writing w(
        "UIDPLUS " + std::string(unselect),
        "C: T6 SELECT Old\nS: * OK [UIDVALIDITY 8]\nS: T6 OK\n" + leave +
            "C: T8 STATUS Old (MESSAGES)\nC: T9 LIST \"\" \"Old\"\nS: T7 OK\nS: * STATUS Old (MESSAGES 3)\nS: T8 OK\n"
            "S: * LIST () \"/\" Old\nS: T9 OK\n");
    Action flag = seen(1, 1);
    flag.ref = {.box = "Old", .epoch = 7, .key = {.number = 1}};
    EXPECT_EQ(w.apply({flag, removal_of(2, "Old")}), "1:nobox 2:notempty");
    EXPECT_TRUE(w.finished());
  }
}

TEST(ImapBoxes, WithObjectidTheIdIsTheServers) {
  auto o = open(
      login("UIDPLUS OBJECTID") +
          "C: T2 LIST \"\" \"*\"\nC: T3 LSUB \"\" \"*\"\nS: * LIST () \"/\" INBOX\nS: * LIST () \"/\" A\nS: T2 OK\n"
          "S: T3 OK\nC: T4 STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)\nC: T5 STATUS INBOX (MAILBOXID)\n"
          "C: T6 STATUS A (MESSAGES UIDNEXT UIDVALIDITY)\nC: T7 STATUS A (MAILBOXID)\n"
          "S: T4 OK\nS: * STATUS INBOX (MAILBOXID (F1))\nS: T5 OK\nS: T6 OK\nS: * STATUS A (MAILBOXID (F2))\n"
          "S: T7 OK\n"
          "C: T8 CREATE B\nC: T9 LIST \"\" \"B\"\nC: T10 CREATE C\nC: T11 LIST \"\" \"C\"\n"
          "S: T8 OK [MAILBOXID (F3)] made\nS: T9 OK\nS: T10 OK\nS: T11 OK\n"
          "C: T12 STATUS C (MAILBOXID)\nS: * STATUS C (MAILBOXID (F4))\nS: T12 OK\n"
          "C: T13 STATUS A (MAILBOXID)\nS: * STATUS A (MAILBOXID (F2))\nS: T13 OK\n"
          "C: T14 RENAME A D\nC: T15 LIST \"\" \"A\"\nC: T16 LIST \"\" \"D\"\nS: T14 OK\nS: T15 OK\nS: T16 OK\n"
          "C: T17 STATUS D (MESSAGES)\nC: T18 STATUS D (MAILBOXID)\nC: T19 LIST \"\" \"D\"\n"
          "S: * STATUS D (MESSAGES 0)\nS: T17 OK\nS: * STATUS D (MAILBOXID (F9))\nS: T18 OK\nS: T19 OK\n",
      Writing::writable());
  ASSERT_TRUE((*o).mailboxes({})) << o.channel->mismatch();
  Done done;
  const std::vector<Action> actions{create(1, {"B"}, sync::Role::None, false),
                                    create(2, {"C"}, sync::Role::None, false), rename(3, "F2", {"D"}),
                                    removal_of(4, "F2"), removal_of(5, "F7")};
  const Status status = (*o).apply(actions, done, {});
  EXPECT_TRUE(status) << o.channel->mismatch() << status.error().text();
  EXPECT_EQ(done.text(), "1:ok 2:ok 3:ok 4:nobox 5:nobox") << "another mailbox has the name now: it stays";
  EXPECT_EQ(done.of[1].box + done.of[2].box + done.of[3].box, "F3F4F2");
  EXPECT_TRUE(o.channel->finished());
}

}  // namespace
}  // namespace libsync::replicas

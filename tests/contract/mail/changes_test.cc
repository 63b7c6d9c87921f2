// What every implementation of Mail promises of changing messages, and of telling it (libsync/server/mail.h).
#include <atomic>
#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "tests/contract/mail/subject.h"

namespace twinbox::contract {
namespace {

using namespace libsync;
using namespace libsync::server;
using ::testing::ElementsAre;
using ::testing::Pair;

TEST_P(MailContract, AddsRemovesAndReplacesFlags) {
  append(inbox_, mail_named("one"), {.system = sync::kSeen, .keywords = {"$Junk"}});
  store_flags(inbox_, "1", FlagChange::Add, {.system = sync::kFlagged, .keywords = {"Work", "$JUNK"}});
  EXPECT_EQ(names(row(inbox_, 1).row.flags), "\\Seen \\Flagged $Junk Work");
  store_flags(inbox_, "1", FlagChange::Remove, {.system = sync::kSeen | sync::kDraft, .keywords = {"WORK"}});
  EXPECT_EQ(names(row(inbox_, 1).row.flags), "\\Flagged $Junk");
  store_flags(inbox_, "1", FlagChange::Replace, {.system = sync::kDraft, .keywords = {"$junk", "new"}});
  EXPECT_EQ(names(row(inbox_, 1).row.flags), "\\Draft $Junk new");
  store_flags(inbox_, "1", FlagChange::Replace, {});
  EXPECT_EQ(names(row(inbox_, 1).row.flags), "");
}

TEST_P(MailContract, CountsUnseenAsFlagsChange) {
  append(inbox_, mail_named("one"));
  append(inbox_, mail_named("two"), {.system = sync::kSeen});
  store_flags(inbox_, "1:2", FlagChange::Add, {.system = sync::kSeen});
  EXPECT_EQ(folder(inbox_).unseen, 0U);
  store_flags(inbox_, "2", FlagChange::Replace, {});
  EXPECT_EQ(folder(inbox_).unseen, 1U);
}

TEST_P(MailContract, AChangeOfFlagsGivesEachMessageAHigherModseq) {
  for (int i = 0; i < 3; ++i) append(inbox_, mail_named("x"));
  const uint64_t since = folder(inbox_).highestmodseq;
  const auto stored =
      mail().change_flags(inbox_, set("1:2,9"), FlagChange::Add, {.system = sync::kSeen}, std::nullopt).value();
  ASSERT_EQ(stored.rows.size(), 2U);
  EXPECT_EQ(stored.rows[0].uid, 1U);
  EXPECT_EQ(names(stored.rows[1].flags), "\\Seen");
  for (const MessageRow& each : stored.rows) {
    EXPECT_GT(each.modseq, since);
    EXPECT_EQ(each.modseq, row(inbox_, each.uid).row.modseq);
  }
  EXPECT_EQ(folder(inbox_).highestmodseq, std::max(stored.rows[0].modseq, stored.rows[1].modseq));
  EXPECT_EQ(changed(inbox_, since), "1 2");
}

TEST_P(MailContract, NoChangeOfFlagsIsNoNewModseq) {
  append(inbox_, mail_named("one"), {.system = sync::kSeen, .keywords = {"Work"}});
  const uint64_t since = folder(inbox_).highestmodseq, generation = mail().generation();
  for (const FlagChange change : {FlagChange::Add, FlagChange::Replace}) {
    const sync::Flags same{.system = sync::kSeen, .keywords = {"work"}};
    const auto stored = mail().change_flags(inbox_, set("1"), change, same, std::nullopt).value();
    ASSERT_EQ(stored.rows.size(), 1U) << "as it was wanted already";
    EXPECT_EQ(stored.rows[0].modseq, since);
  }
  store_flags(inbox_, "1", FlagChange::Remove, {.system = sync::kDraft});
  EXPECT_EQ(folder(inbox_).highestmodseq, since);
  EXPECT_EQ(mail().generation(), generation);
}

TEST_P(MailContract, ChangesOnlyWhatIsUnchangedSince) {
  for (int i = 0; i < 3; ++i) append(inbox_, mail_named("x"));
  const uint64_t since = folder(inbox_).highestmodseq;
  store_flags(inbox_, "2", FlagChange::Add, {.system = sync::kFlagged});
  const auto stored = mail().change_flags(inbox_, set("1:3"), FlagChange::Add, {.system = sync::kSeen}, since).value();
  EXPECT_EQ(stored.modified.text(), "2");
  ASSERT_EQ(stored.rows.size(), 2U);
  EXPECT_EQ(stored.rows[1].uid, 3U);
  EXPECT_EQ(names(row(inbox_, 2).row.flags), "\\Flagged");
  EXPECT_EQ(names(row(inbox_, 3).row.flags), "\\Seen");
  const auto none = mail().change_flags(inbox_, set("1:3"), FlagChange::Add, {.system = sync::kSeen}, 0).value();
  EXPECT_EQ(none.modified.text(), "1:3");
  EXPECT_TRUE(none.rows.empty());
}

TEST_P(MailContract, CopiesKeepFlagsAndDateAndAreMessagesOfTheirOwn) {
  append(inbox_, mail_named("one"));
  append(inbox_, mail_named("two"), {.system = sync::kSeen, .keywords = {"Work"}}, 1'600'000'000);
  append(archive_, mail_named("there"));
  const auto copied = mail().copy(inbox_, set("1:2,5"), archive_).value();
  EXPECT_EQ(copied.uidvalidity, folder(archive_).uidvalidity);
  EXPECT_THAT(copied.uids, ElementsAre(Pair(1, 2), Pair(2, 3)));
  const Row copy = row(archive_, 3);
  EXPECT_EQ(names(copy.row.flags), "\\Seen Work");
  EXPECT_EQ(copy.row.date, 1'600'000'000);
  EXPECT_EQ(copy.row.content, row(inbox_, 2).row.content);
  store_flags(archive_, "3", FlagChange::Replace, {});
  EXPECT_EQ(names(row(inbox_, 2).row.flags), "\\Seen Work");
  EXPECT_EQ(uids(inbox_), "1:2");
  EXPECT_EQ(folder(archive_).messages, 3U);
}

TEST_P(MailContract, CopiesIntoTheSameFolderOnce) {
  append(inbox_, mail_named("one"));
  append(inbox_, mail_named("two"));
  EXPECT_THAT(mail().copy(inbox_, set("1:4294967295"), inbox_).value().uids, ElementsAre(Pair(1, 3), Pair(2, 4)));
  EXPECT_EQ(uids(inbox_), "1:4");
}

TEST_P(MailContract, MovesMessagesAndTellsBothFolders) {
  for (const char* name : {"one", "two", "three"})
    append(inbox_, mail_named(name), {.keywords = {name}}, 1'600'000'000);
  const uint64_t here = folder(inbox_).highestmodseq, there = folder(archive_).highestmodseq;
  const auto moved = mail().move(inbox_, set("1,3"), archive_).value();
  EXPECT_EQ(moved.uidvalidity, folder(archive_).uidvalidity);
  EXPECT_THAT(moved.uids, ElementsAre(Pair(1, 1), Pair(3, 2)));
  EXPECT_EQ(uids(inbox_), "2");
  EXPECT_EQ(changed(inbox_, here), "-1 -3");
  EXPECT_EQ(changed(archive_, there), "1 2");
  EXPECT_EQ(row(archive_, 2).subject, "three");
  EXPECT_EQ(names(row(archive_, 2).row.flags), "three");
  EXPECT_EQ(row(archive_, 2).row.date, 1'600'000'000);
}

TEST_P(MailContract, AMoveWithinAFolderGivesNewUids) {
  append(inbox_, mail_named("one"));
  append(inbox_, mail_named("two"));
  const uint64_t since = folder(inbox_).highestmodseq;
  EXPECT_THAT(mail().move(inbox_, set("1:2"), inbox_).value().uids, ElementsAre(Pair(1, 3), Pair(2, 4)));
  EXPECT_EQ(uids(inbox_), "3:4");
  EXPECT_EQ(changed(inbox_, since), "3 4 -1 -2");
  EXPECT_EQ(row(inbox_, 4).subject, "two");
}

TEST_P(MailContract, ExpungesWhatIsMarkedAmongTheseAndNothingElse) {
  for (int i = 0; i < 5; ++i) append(inbox_, mail_named("x"), {.system = i == 2 ? 0U : sync::kDeleted});
  const uint64_t since = folder(inbox_).highestmodseq;
  EXPECT_EQ(mail().expunge(inbox_, set("1:4")).value().text(), "1:2,4");
  EXPECT_EQ(uids(inbox_), "3,5");
  EXPECT_EQ(changed(inbox_, since), "-1 -2 -4");
  EXPECT_EQ(folder(inbox_).messages, 2U);
  const uint64_t now = folder(inbox_).highestmodseq;
  EXPECT_GT(now, since);
  EXPECT_EQ(mail().expunge(inbox_, set("1:4")).value().text(), "");
  EXPECT_EQ(folder(inbox_).highestmodseq, now);
}

TEST_P(MailContract, GivesNoUidTwice) {
  append(inbox_, mail_named("one"), {.system = sync::kDeleted});
  append(inbox_, mail_named("two"), {.system = sync::kDeleted});
  ASSERT_TRUE(mail().expunge(inbox_, set("1:2")));
  EXPECT_EQ(folder(inbox_).uidnext, 3U);
  EXPECT_EQ(append(inbox_, mail_named("three")), 3U);
  ASSERT_TRUE(mail().move(inbox_, set("3"), archive_));
  EXPECT_EQ(append(inbox_, mail_named("four")), 4U);
}

TEST_P(MailContract, TellsEverythingSinceTheBeginning) {
  append(inbox_, mail_named("one"), {.system = sync::kDeleted});
  append(inbox_, mail_named("two"));
  ASSERT_TRUE(mail().expunge(inbox_, set("1:2")));
  const Mail::Changes all = changes(inbox_, 0);
  ASSERT_EQ(all.rows.size(), 1U);
  EXPECT_EQ(all.rows[0].uid, 2U);
  EXPECT_EQ(all.folder.messages, 1U);
  EXPECT_EQ(changed(inbox_, all.folder.highestmodseq), "");
}

TEST_P(MailContract, TellsChangesByUidWhateverCameLast) {
  for (int i = 0; i < 4; ++i) append(inbox_, mail_named("x"));
  const uint64_t since = folder(inbox_).highestmodseq;
  for (const char* uid : {"3", "1", "2"}) store_flags(inbox_, uid, FlagChange::Add, {.keywords = {"k"}});
  append(inbox_, mail_named("new"));
  EXPECT_EQ(changed(inbox_, since), "1 2 3 5");
  EXPECT_EQ(names(changes(inbox_, since).rows[0].flags), "k");
}

TEST_P(MailContract, WhatIsForgottenIsToldByWhatIsLeft) {
  append(inbox_, mail_named("one"));
  append(inbox_, mail_named("two"), {.system = sync::kDeleted});
  append(inbox_, mail_named("three"));
  const uint64_t since = folder(inbox_).highestmodseq;
  ASSERT_TRUE(mail().expunge(inbox_, set("1:3")));
  other().outdate(inbox_);
  store_flags(inbox_, "3", FlagChange::Add, {.system = sync::kSeen});
  const Mail::Changes all = changes(inbox_, since);
  EXPECT_FALSE(all.whole);
  EXPECT_EQ(all.uids.text(), "1,3");
  ASSERT_EQ(all.rows.size(), 1U);
  EXPECT_EQ(all.rows[0].uid, 3U);
  const uint64_t now = all.folder.highestmodseq;
  store_flags(inbox_, "3", FlagChange::Add, {.system = sync::kDeleted});
  ASSERT_TRUE(mail().expunge(inbox_, set("3")));
  EXPECT_EQ(changed(inbox_, now), "-3") << "what came after it is not forgotten";
}

TEST_P(MailContract, AModseqOfTheFutureIsOfAnotherTime) {
  append(inbox_, mail_named("one"));
  const Mail::Changes all = changes(inbox_, folder(inbox_).highestmodseq + 100);
  EXPECT_FALSE(all.whole);
  EXPECT_EQ(all.uids.text(), "1");
  EXPECT_EQ(all.rows.size(), 1U);
}

TEST_P(MailContract, TellsOfEveryChangeToMessages) {
  uint64_t last = mail().generation();
  const auto raised = [&] { return std::exchange(last, mail().generation()) != last; };
  append(inbox_, mail_named("one"));
  EXPECT_TRUE(raised());
  store_flags(inbox_, "1", FlagChange::Add, {.system = sync::kDeleted});
  EXPECT_TRUE(raised());
  ASSERT_TRUE(mail().copy(inbox_, set("1"), archive_));
  EXPECT_TRUE(raised());
  ASSERT_TRUE(mail().move(archive_, set("1"), inbox_));
  EXPECT_TRUE(raised());
  ASSERT_TRUE(mail().expunge(inbox_, set("1")));
  EXPECT_TRUE(raised());
  ASSERT_TRUE(mail().copy(inbox_, set("4711"), archive_));
  EXPECT_FALSE(raised());
}

TEST_P(MailContract, OfAMirrorWithFlagsOfItsOwnOnlyTheseAreChanged) {
  for (const Writable less : {Writable::Nothing, Writable::Flags}) {
    start(less);
    other().deliver(inbox_, mail_named("one"), {.system = sync::kDeleted});
    const bool flags = less == Writable::Flags;
    EXPECT_EQ(mail().writable(), less);
    EXPECT_EQ(mail().change_flags(inbox_, set("1"), FlagChange::Add, {.system = sync::kSeen}, {}).has_value(), flags);
    EXPECT_EQ(mail().incoming().error().code, Errc::Refused);
    NewMessage none;
    EXPECT_EQ(mail().append(inbox_, {&none, 1}).error().code, Errc::Refused);
    EXPECT_EQ(mail().copy(inbox_, set("1"), archive_).error().code, Errc::Refused);
    EXPECT_EQ(mail().move(inbox_, set("1"), archive_).error().code, Errc::Refused);
    EXPECT_EQ(mail().expunge(inbox_, set("1")).error().code, Errc::Refused);
    EXPECT_EQ(mail().create_folder({"x"}, sync::Role::None).error().code, Errc::Refused);
    EXPECT_EQ(mail().rename_folder(archive_, {"x"}).error().code, Errc::Refused);
    EXPECT_EQ(mail().delete_folder(archive_).error().code, Errc::Refused);
    EXPECT_EQ(mail().subscribe(archive_, false).error().code, Errc::Refused);
    EXPECT_EQ(names(row(inbox_, 1).row.flags), flags ? "\\Seen \\Deleted" : "\\Deleted");
    EXPECT_EQ(mail().folders().value().size(), 2U);
    EXPECT_TRUE(folder(archive_).subscribed);
  }
}

TEST_P(MailContract, ManyWhoWriteAtOnceLoseNothing) {
  constexpr int kEach = 20;
  append(inbox_, mail_named("shared"));
  std::atomic<bool> done = false;
  // Who looks from time to time, each time for what is new since, sees all.
  std::set<uint32_t> seen;
  uint64_t since = 0;
  const auto look = [&] {
    const auto found = mail().changes(inbox_, since).value().value();
    EXPECT_GE(found.folder.highestmodseq, since);
    since = found.folder.highestmodseq;
    for (const MessageRow& each : found.rows) seen.insert(each.uid);
  };
  std::thread reader([&] {
    while (!done) look();
  });
  const auto work = [&](const std::string& name) {
    for (int i = 0; i < kEach; ++i) {
      append(inbox_, mail_named(name + std::to_string(i)));
      store_flags(inbox_, "1", FlagChange::Add, {.keywords = {name + std::to_string(i)}});
    }
  };
  std::thread one(work, "a"), two(work, "b");
  one.join();
  two.join();
  done = true;
  reader.join();
  look();
  EXPECT_EQ(seen.size(), 2U * kEach + 1);
  EXPECT_EQ(row(inbox_, 1).row.flags.keywords.size(), 2U * kEach);
  EXPECT_EQ(uids(inbox_), "1:41");
  EXPECT_EQ(folder(inbox_).highestmodseq, changes(inbox_, 0).rows.at(0).modseq) << "the last change was to the first";
}

}  // namespace
}  // namespace twinbox::contract

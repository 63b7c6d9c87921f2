// What MemoryMail lets tests and demonstrations do (libsync/server/memory_mail.h).
#include "libsync/server/memory_mail.h"

#include "tests/contract/mail/subject.h"

namespace twinbox::contract {
namespace {

using namespace libsync;
using namespace libsync::server;

class SetClock final : public Clock {
 public:
  Steady::time_point now() const override { return {}; }
  int64_t unix_seconds() const override { return seconds; }
  int64_t seconds = 1'700'000'000;
};

TEST(MemoryMail, ARenumberedFolderKeepsItsMessagesUnderOtherUids) {
  MemoryMail mail;
  const FolderId inbox = mail.make_folder({"INBOX"}, sync::Role::Inbox);
  const FolderId other = mail.make_folder({"Other"});
  mail.put(inbox, mail_named("one"));
  mail.put(inbox, mail_named("two"), {.system = sync::kSeen});
  mail.remove(inbox, 1);
  const Folder before = mail.folder(inbox).value().value();
  const uint64_t generation = mail.generation();
  mail.renumber(inbox);
  const auto view = mail.view(inbox).value().value();
  EXPECT_GT(view.folder.uidvalidity, before.uidvalidity);
  EXPECT_NE(view.folder.uidvalidity, mail.folder(other).value()->uidvalidity);
  EXPECT_EQ(view.uids.text(), "1");
  EXPECT_GE(view.folder.highestmodseq, before.highestmodseq);
  EXPECT_NE(mail.generation(), generation);
  EXPECT_EQ(names(mail.changes(inbox, 0).value()->rows.at(0).flags), "\\Seen");
}

TEST(MemoryMail, AnotherProgramsFlagsAreNotBoundByWritable) {
  MemoryMail mail({.writable = Writable::Nothing});
  const FolderId inbox = mail.make_folder({"INBOX"}, sync::Role::Inbox);
  mail.put(inbox, mail_named("one"));
  const uint64_t generation = mail.generation(), since = mail.folder(inbox).value()->highestmodseq;
  mail.set_flags(inbox, 1, {.system = sync::kFlagged});
  EXPECT_NE(mail.generation(), generation);
  EXPECT_EQ(mail.changes(inbox, since).value()->rows.size(), 1U);
}

TEST(MemoryMail, ItsClockSaysWhenMailCame) {
  SetClock clock;
  MemoryMail mail({.clock = &clock});
  const FolderId inbox = mail.make_folder({"INBOX"}, sync::Role::Inbox);
  EXPECT_EQ(mail.folder(inbox).value()->uidvalidity, 1'700'000'000U);
  mail.put(inbox, mail_named("one"), {}, 5);
  MessageRow row;
  EXPECT_TRUE(mail.rows(inbox, set("1"), Want::Facts, [&](const MessageRow& each, const Columns&) {
    row = each;
    return true;
  }));
  EXPECT_EQ(row.date, 5);
  EXPECT_EQ(row.saved, clock.seconds);
}

TEST(MemoryMail, OctetsGoWithTheLastMessageThatHasThem) {
  MemoryMail mail;
  const FolderId inbox = mail.make_folder({"INBOX"}, sync::Role::Inbox);
  mail.put(inbox, mail_named("one"));
  ContentId content = 0;
  EXPECT_TRUE(mail.rows(inbox, set("1"), Want::Facts, [&](const MessageRow& row, const Columns&) {
    content = row.content;
    return true;
  }));
  ASSERT_TRUE(mail.copy(inbox, set("1"), inbox));
  mail.remove(inbox, 1);
  EXPECT_TRUE(mail.read(content, 0, 1));
  mail.remove(inbox, 2);
  EXPECT_EQ(mail.read(content, 0, 1).error().code, Errc::NotFound);
}

}  // namespace
}  // namespace twinbox::contract

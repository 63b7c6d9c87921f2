// What StoreMail promises beyond the contract (libsync/server/store_mail.h).
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "libsync/server/incoming_spool.h"
#include "libsync/server/store_mail.h"

#include "tests/contract/mail/subject.h"
#include "tests/support/temp_dir.h"

namespace twinbox::contract {
namespace {

using namespace libsync;
using namespace libsync::server;
namespace stdfs = std::filesystem;

class StoreMailTest : public testing::Test {
 protected:
  void SetUp() override {
    mail = open({.writable = Writable::All, .create = true});
    inbox = mail->folders().value().at(0).id;
  }
  std::shared_ptr<StoreMail> open(const StoreMailOptions& options) {
    auto opened = StoreMail::open(path, options);
    EXPECT_TRUE(opened) << opened.error().text();
    return *std::move(opened);
  }
  std::unique_ptr<store::Store> open_store() { return store::Store::open(path).value(); }
  uint32_t append(std::string_view octets, const sync::Flags& flags = {}) {
    NewMessage one{.octets = mail->incoming().value(), .flags = flags};
    EXPECT_TRUE(one.octets->data(octets));
    const auto placed = mail->append(inbox, {&one, 1});
    EXPECT_TRUE(placed) << placed.error().text();
    return placed->uids.at(0);
  }
  MessageRow row(uint32_t uid) {
    MessageRow found;
    EXPECT_TRUE(mail->rows(inbox, set(std::to_string(uid)), Want::Facts, [&](const MessageRow& each, const Columns&) {
      found = each;
      return true;
    }));
    return found;
  }
  std::vector<store::MessageInfo> removed() {
    std::vector<store::MessageInfo> out;
    EXPECT_TRUE(open_store()->list({.removed = true}, [&](const store::MessageInfo& info) {
      out.push_back(info);
      return true;
    }));
    return out;
  }

  test::TempDir dir;
  std::string path = dir / "store";
  std::shared_ptr<StoreMail> mail;
  FolderId inbox = 0;
};

TEST_F(StoreMailTest, AStoreThatIsMadeHasAnInbox) {
  const auto folders = mail->folders().value();
  ASSERT_EQ(folders.size(), 1U);
  EXPECT_EQ(folders[0].path, sync::Path{"INBOX"});
  EXPECT_EQ(folders[0].role, sync::Role::Inbox);
  mail = open({.writable = Writable::All, .create = true});
  EXPECT_EQ(mail->folders().value().size(), 1U);
  EXPECT_EQ(StoreMail::open(dir / "none", {.writable = Writable::All}).error().code, Errc::NotFound);
  EXPECT_EQ(StoreMail::open(dir / "none", {.create = true}).error().code, Errc::NotFound);
}

TEST_F(StoreMailTest, WhatIsExpungedCanBeRestored) {
  append(mail_named("gone"), {.system = sync::kDeleted});
  ASSERT_TRUE(mail->expunge(inbox, set("1")));
  const auto gone = removed();
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_EQ(gone[0].envelope.subject, "gone");
  EXPECT_EQ(gone[0].removed_from, sync::Path{"INBOX"});
}

TEST_F(StoreMailTest, WhatWasInADeletedFolderCanBeRestored) {
  const FolderId archive = mail->create_folder({"Archive"}, sync::Role::None).value();
  append(mail_named("one"));
  append(mail_named("two"));
  ASSERT_TRUE(mail->move(inbox, set("1:2"), archive));
  ASSERT_TRUE(mail->delete_folder(archive));
  const auto gone = removed();
  ASSERT_EQ(gone.size(), 2U);
  EXPECT_EQ(gone[0].removed_from, sync::Path{"Archive"});
  const auto store = open_store();
  const auto write = store->begin().value();
  ASSERT_TRUE(write->restore(gone[0].id) && write->commit());
  const auto folders = mail->folders().value();
  ASSERT_EQ(folders.size(), 2U);
  EXPECT_EQ(folders[1].messages, 1U);
  EXPECT_NE(folders[1].id, archive);
}

TEST_F(StoreMailTest, AMoveKeepsTheStoresIdOfAMessage) {
  const FolderId archive = mail->create_folder({"Archive"}, sync::Role::None).value();
  append(mail_named("one"));
  const auto id_in = [&](FolderId folder) { return open_store()->begin().value()->find(folder, 1).value(); };
  const store::MessageId before = id_in(inbox);
  ASSERT_TRUE(mail->move(inbox, set("1"), archive));
  EXPECT_EQ(id_in(archive), before);
  EXPECT_TRUE(removed().empty());
}

TEST_F(StoreMailTest, OwnWritesAreToldOnceAndOthersByALook) {
  append(mail_named("one"));
  const uint64_t generation = mail->generation();
  ASSERT_TRUE(mail->look_for_changes());
  EXPECT_EQ(mail->generation(), generation);
  const auto store = open_store();
  const auto write = store->begin().value();
  ASSERT_TRUE(write->set_subscribed(inbox, false) && write->commit());
  EXPECT_EQ(mail->generation(), generation);
  ASSERT_TRUE(mail->look_for_changes());
  EXPECT_NE(mail->generation(), generation);
}

TEST_F(StoreMailTest, AMirrorIsSeenToChange) {
  mail = open({.writable = Writable::Nothing});
  const uint64_t generation = mail->generation();
  ASSERT_TRUE(mail->look_for_changes());
  EXPECT_EQ(mail->generation(), generation);
  const auto store = open_store();
  const auto write = store->begin().value();
  ASSERT_TRUE(write->set_subscribed(inbox, false) && write->commit());
  ASSERT_TRUE(mail->look_for_changes());
  EXPECT_NE(mail->generation(), generation);
  EXPECT_FALSE(mail->folder(inbox).value()->subscribed);
}

TEST_F(StoreMailTest, WritesWhileASyncHoldsItsLock) {
  const auto store = open_store();
  const auto lock = store->lock_for_sync(std::chrono::milliseconds(0), {});
  ASSERT_TRUE(lock);
  EXPECT_EQ(append(mail_named("one")), 1U);
}

TEST_F(StoreMailTest, SaysBusyWhereAnotherWritesForTooLong) {
  mail = open({.writable = Writable::All, .busy_ms = 20});
  const auto store = open_store();
  auto write = store->begin().value();
  NewMessage one{.octets = mail->incoming().value()};
  EXPECT_EQ(mail->append(inbox, {&one, 1}).error().code, Errc::Busy);
  EXPECT_TRUE(mail->view(inbox)) << "who reads does not wait";
  write.reset();
  EXPECT_TRUE(mail->append(inbox, {&one, 1}));
}

TEST_F(StoreMailTest, MoreThanThereAreStoresWaitForTheirTurn) {
  mail = open({.writable = Writable::All, .readers = 1});
  append(mail_named("one"));
  std::mutex mutex;
  std::condition_variable entered;
  bool inside = false, leave = false;
  std::thread slow([&] {
    EXPECT_TRUE(mail->rows(inbox, set("1"), Want::Flags, [&](const MessageRow&, const Columns&) {
      std::unique_lock lock(mutex);
      inside = true;
      entered.notify_all();
      entered.wait(lock, [&] { return leave; });
      return true;
    }));
  });
  {
    std::unique_lock lock(mutex);
    entered.wait(lock, [&] { return inside; });
  }
  EXPECT_EQ(append(mail_named("two")), 2U) << "who writes has a Store of its own";
  std::atomic<bool> done = false;
  std::thread waits([&] {
    EXPECT_TRUE(mail->view(inbox));
    done = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(done);
  {
    const std::scoped_lock lock(mutex);
    leave = true;
  }
  entered.notify_all();
  slow.join();
  waits.join();
  EXPECT_TRUE(done);
}

TEST_F(StoreMailTest, OctetsOnTheirWayInLeaveNoFileBehind) {
  const auto names = [&] {
    std::set<std::string> out;
    for (const auto& entry : stdfs::directory_iterator(path)) out.insert(entry.path().filename());
    return out;
  };
  const auto before = names();
  IncomingSpool spool(path);
  ASSERT_TRUE(spool.data(std::string(IncomingSpool::kInMemory, 'x')));
  EXPECT_TRUE(spool.in_memory());
  ASSERT_TRUE(spool.data("y"));
  EXPECT_FALSE(spool.in_memory());
  EXPECT_EQ(names(), before);
  IncomingSpool nowhere(dir / "none");
  EXPECT_FALSE(nowhere.data(std::string(IncomingSpool::kInMemory + 1, 'x')));
}

TEST_F(StoreMailTest, WhatIsDamagedIsSaidAndNoted) {
  std::string octets = mail_named("damaged");
  for (uint32_t state = 1; octets.size() < 20'000;) octets += std::to_string(state = state * 1664525 + 1013904223);
  append(octets);
  {
    std::fstream file(path + "/content/00000001.seg", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(2000);
    file << "garbage";
  }
  const auto read = mail->read(row(1).content, 0, 1 << 20);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::Corrupt);
  EXPECT_EQ(open_store()->damage()->waiting, 1U);
}

TEST_F(StoreMailTest, AMessageOfAnOlderStoreHasNoSaveDate) {
  append(mail_named("one"));
  EXPECT_TRUE(row(1).saved);
  ASSERT_TRUE(open_store()->db().exec("UPDATE message SET saved=NULL"));
  EXPECT_FALSE(row(1).saved);
}

TEST_F(StoreMailTest, GoesOnInAnIndexThatWasMadeAnew) {
  append(mail_named("one"));
  const uint64_t generation = mail->generation();
  {
    const auto lock = store::lock_store(path, std::chrono::milliseconds(0), {}).value();
    ASSERT_TRUE(store::rebuild_store(path, *lock, {}, {}, {}));
  }
  const FolderId made = mail->create_folder({"INBOX"}, sync::Role::Inbox).value();
  EXPECT_TRUE(open_store()->find_mailbox({"INBOX"}).value()) << "not written into the old one";
  EXPECT_TRUE(mail->folder(made).value());
  EXPECT_NE(mail->generation(), generation);
}

TEST_F(StoreMailTest, AMirrorThatWasMadeAnewIsSeen) {
  mail = open({.writable = Writable::Nothing});
  ASSERT_EQ(mail->folders().value().size(), 1U);
  const auto lock = store::lock_store(path, std::chrono::milliseconds(0), {}).value();
  ASSERT_TRUE(store::rebuild_store(path, *lock, {}, {}, {}));
  const uint64_t generation = mail->generation();
  ASSERT_TRUE(mail->look_for_changes());
  EXPECT_NE(mail->generation(), generation);
  EXPECT_TRUE(mail->folders().value().empty());
}

}  // namespace
}  // namespace twinbox::contract

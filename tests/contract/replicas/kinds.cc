// The kinds of replica that the contract is held against.
#include <gtest/gtest.h>

#include "libsync/replicas/memory.h"
#include "libsync/replicas/store.h"
#include "libsync/store/store.h"

#include "tests/contract/replicas/subject.h"
#include "tests/support/lent_replica.h"
#include "tests/support/temp_dir.h"

namespace twinbox::contract {
namespace {

using namespace libsync;

class MemorySubject final : public Subject {
 public:
  explicit MemorySubject(replicas::MemoryTraits traits) : replica_(std::move(traits)) {
    replica_.make_box({"INBOX"}, sync::Role::Inbox);
  }
  Result<std::unique_ptr<sync::Replica>> open() override { return std::make_unique<test::LentReplica>(replica_); }
  void deliver(const std::string& octets, uint32_t system_flags) override {
    replica_.append({"INBOX"}, octets, {.system = system_flags}, 1'700'000'000);
  }
  void expunge_first() override { replica_.expunge({"INBOX"}, replica_.box({"INBOX"})->messages.begin()->first); }

 private:
  replicas::MemoryReplica replica_;
};

class StoreSubject final : public Subject {
 public:
  StoreSubject() {
    auto store = open_store();
    auto write = store->begin().value();
    EXPECT_TRUE(write->create_mailbox({"INBOX"}, sync::Role::Inbox));
    EXPECT_TRUE(write->commit());
  }

  Result<std::unique_ptr<sync::Replica>> open() override {
    class Owner final : public test::LentReplica {
     public:
      explicit Owner(std::unique_ptr<store::Store> store)
          : LentReplica(replica_), store_(std::move(store)), replica_(*store_) {}

     private:
      std::unique_ptr<store::Store> store_;
      replicas::StoreReplica replica_;
    };
    return std::make_unique<Owner>(open_store());
  }

  void deliver(const std::string& octets, uint32_t system_flags) override {
    auto store = open_store();
    const auto staged = store->stage(octets).value();
    const auto inbox = store->find_mailbox({"INBOX"}).value()->id;
    auto write = store->begin().value();
    EXPECT_TRUE(write->add(inbox, staged, {.system = system_flags}, 1'700'000'000));
    EXPECT_TRUE(write->commit());
  }

  void expunge_first() override {
    auto store = open_store();
    store::MessageId first = 0;
    const auto keep = [&](const store::MessageInfo& message) {
      first = message.id;
      return false;
    };
    EXPECT_TRUE(store->list({.order = store::ListOrder::Uid}, keep));
    auto write = store->begin().value();
    EXPECT_TRUE(write->remove(first));
    EXPECT_TRUE(write->commit());
  }

 private:
  std::unique_ptr<store::Store> open_store() {
    auto store = store::Store::open(dir_ / "store", {.mode = store::StoreMode::Create});
    EXPECT_TRUE(store) << store.error().text();
    return std::move(*store);
  }
  test::TempDir dir_;
};

replicas::MemoryTraits poor() {
  replicas::MemoryTraits traits;
  traits.capabilities.change_tokens = false;
  traits.box_ids = false;
  return traits;
}

}  // namespace

std::vector<Kind> kinds() {
  std::vector<Kind> all = {
      {.name = "memory",
       .make = [] { return std::make_unique<MemorySubject>(replicas::MemoryTraits{}); },
       .writable = true},
      {.name = "memory_without_tokens",
       .make = [] { return std::make_unique<MemorySubject>(poor()); },
       .writable = true},
      {.name = "store", .make = [] { return std::make_unique<StoreSubject>(); }, .writable = true},
  };
  for (auto& one : dovecot_kinds()) all.push_back(std::move(one));
  return all;
}

}  // namespace twinbox::contract

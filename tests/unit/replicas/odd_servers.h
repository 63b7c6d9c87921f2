// What the tests of odd servers share: a replica in memory as the server, the engine, and a sink that twists looks.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "libsync/replicas/memory.h"
#include "libsync/store/link_table.h"
#include "libsync/sync/sync.h"

#include "tests/support/lent_replica.h"

namespace libsync::replicas {

using sync::Leave;
using sync::Path;
using sync::SyncReport;

inline const Path kInbox{"INBOX"};

class NullObserver final : public sync::SyncObserver {
  void planned(uint64_t, uint64_t) override {}
  void carried(uint64_t, uint64_t) override {}
  void action(const std::string&) override {}
};

inline MemoryTraits plain() {
  MemoryTraits traits;
  traits.instances = false;
  traits.box_ids = false;
  traits.capabilities.change_tokens = false;
  return traits;
}

// Passes a look on, and lets tests twist what is said in it.
class TwistedSink : public sync::ChangeSink {
 public:
  explicit TwistedSink(sync::ChangeSink& to) : to_(to) {}
  Status open(const sync::BoxId& box, const sync::BoxState& state) override { return to_.open(box, state); }
  Status seen(const sync::MsgRef& ref, const sync::Facts& facts) override { return to_.seen(ref, facts); }
  Status vanished(const sync::BoxId& box, uint64_t epoch, const sync::Key& key) override {
    return to_.vanished(box, epoch, key);
  }
  Status present(const sync::BoxId& box, std::span<const sync::KeyRange> ranges) override {
    return to_.present(box, ranges);
  }
  Status close(const sync::BoxId& box, std::string_view next, uint64_t exists) override {
    return to_.close(box, next, exists);
  }
  Status missing(const sync::BoxId& box) override { return to_.missing(box); }

 protected:
  sync::ChangeSink& to_;
};

class OddServers : public ::testing::Test {
 protected:
  void SetUp() override {
    db = store::Db::open("", store::DbMode::Memory).value();
    ASSERT_TRUE(store::create_link_tables(*db));
    link = store::open_link(*db);
    server.make_box(kInbox, sync::Role::Inbox);
  }

  SyncReport run(sync::Replica& odd, uint64_t allow = 0) {
    policy.fuse.allow = allow;
    NullObserver nobody;
    sync::Sync engine(odd, local, *link, clock, {.policy = policy, .verify_stored = verify_stored}, nobody);
    const Status status = engine.run({});
    EXPECT_TRUE(status) << status.error().text();
    return engine.report();
  }

  void fill(const Path& path, int count, const std::string& stem = "m") {
    for (int i = 0; i < count; ++i) server.append(path, "Subject: " + stem + std::to_string(i) + "\r\n\r\nbody\r\n");
  }
  std::multiset<std::string> here(const Path& path = kInbox) {
    std::multiset<std::string> octets;
    for (const auto& [uid, message] : local.box(path)->messages) octets.insert(message.octets);
    return octets;
  }

  MemoryReplica server{plain()};
  MemoryReplica local{{.identity = "local"}};
  std::unique_ptr<store::Db> db;
  std::unique_ptr<sync::Link> link;
  SystemClock clock;
  std::function<Status(const sync::Id&)> verify_stored;
  sync::Policy policy = sync::mirror_policy({.folders = true, .flags = true}, Leave::Forever);
};

}  // namespace libsync::replicas

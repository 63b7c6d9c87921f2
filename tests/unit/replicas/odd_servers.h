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
#include "tests/support/twisted_sink.h"

namespace libsync::replicas {

using sync::Leave;
using sync::Path;
using sync::SyncReport;

using twinbox::test::TwistedSink;

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

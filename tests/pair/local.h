// What a sync of the pair tests mirrors into: memory, and a link beside it. And such a sync.
#pragma once

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "libsync/base/clock.h"
#include "libsync/replicas/memory.h"
#include "libsync/store/db.h"
#include "libsync/store/link_table.h"
#include "libsync/sync/path.h"
#include "libsync/sync/replica.h"
#include "libsync/sync/sync.h"

namespace libsync::server {

class FixedClock final : public Clock {
 public:
  Steady::time_point now() const override { return {}; }
  int64_t unix_seconds() const override { return 1'700'000'000; }
};

class NoWatcher final : public sync::SyncObserver {
 public:
  void planned(uint64_t, uint64_t) override {}
  void carried(uint64_t, uint64_t) override {}
  void action(const std::string&) override {}
};

struct Local {
  Local() {
    EXPECT_TRUE(store::create_link_tables(*db));
    link = store::open_link(*db);
  }
  // "path: octets flags", sorted.
  std::vector<std::string> show() const {
    std::vector<std::string> lines;
    for (const auto& [id, box] : replica.boxes()) {
      lines.push_back(sync::encode_path(box.path));
      for (const auto& [uid, message] : box.messages) {
        std::string line = lines.back();
        line = sync::encode_path(box.path) + ": " + message.octets + " " + std::to_string(message.flags.system);
        for (const auto& keyword : message.flags.keywords) line += " " + keyword;
        lines.push_back(line);
      }
    }
    std::ranges::sort(lines);
    return lines;
  }
  replicas::MemoryReplica replica{{.identity = "local"}};
  std::unique_ptr<store::Db> db = store::Db::open("", store::DbMode::Memory).value();
  std::unique_ptr<sync::Link> link;
};

// In short, the lines that only one of them has.
inline std::string only_in(const std::vector<std::string>& these, const std::vector<std::string>& those) {
  std::vector<std::string> lines;
  std::ranges::set_difference(these, those, std::back_inserter(lines));
  std::string text;
  for (const auto& each : lines) text += each.substr(0, 40) + "; ";
  return text;
}

struct Ran {
  Status status{};
  sync::SyncReport report{};
  sync::ReplicaCost cost{};
  Steady::duration time{};
};

// One sync of what `open` gives: its login is part of it.
template <typename Open>
Ran sync_into(Local& local, const Clock& world, sync::Leave leave, Open open) {
  Ran ran;
  const auto begin = world.now();
  Result<std::unique_ptr<sync::Replica>> replica = open();
  if (replica) {
    const FixedClock clock;
    NoWatcher watcher;
    sync::SyncOptions options;
    options.policy = sync::mirror_policy((*replica)->capabilities(), leave);
    sync::Sync engine(**replica, local.replica, *local.link, clock, options, watcher);
    ran.status = engine.run({});
    ran.report = engine.report();
    ran.cost = (*replica)->cost();
  } else {
    ran.status = fail(replica.error());
  }
  ran.time = world.now() - begin;
  return ran;
}

}  // namespace libsync::server

// A store on a disk that loses its power at every sync point of what is done to it.
#pragma once

#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "libsync/store/store.h"
#include "libsync/sync/policy.h"

#include "tests/support/power_disk.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/store/store_fixture.h"

namespace twinbox::test {

// Small enough that a run makes several segments, and that a transfer takes several transactions.
inline constexpr uint64_t kSmallSegment = 6'000;
inline constexpr size_t kSmallBatch = 3;

// What a store shows of its mail, as lines in an order of their own: "INBOX 3 1 $Later sha" of messages, "- Work sha"
// of those that were removed.
using Shown = std::multiset<std::string>;
Shown show(libsync::store::Store& store);
// Without UIDs: what has to be the same however often a run was taken up again.
Shown without_uids(const Shown& shown);

// A sync as twinbox does it, between a replica and a store. `told` is called whenever the store reports what was done
// so far as durable.
struct SyncParts {
  libsync::store::Store& store;
  libsync::sync::Replica& remote;
  const libsync::Clock& clock;
  libsync::sync::Leave leave = libsync::sync::Leave::Forever;
};
libsync::Status run_sync(const SyncParts& parts, const std::function<void()>& told = {});

// What was promised, and what may be seen ahead of it: a store shows what it last reported as durable, or what it is
// about to report; nothing in between, and nothing else.
class Promises {
 public:
  explicit Promises(Shown first) : last_(std::move(first)) {}
  void keep(Shown now);
  void hold_against(const Shown& found);
  const Shown& last() const { return last_; }

 private:
  Shown last_;
  std::set<Shown> ahead_;
};

// A store is written and opened thousands of times: in memory, where there is room.
std::filesystem::path quick_folder();
// What TWINBOX_LONG asks for.
bool long_run();

class PowerTest : public ::testing::Test {
 protected:
  PowerTest();
  void TearDown() override;

  libsync::store::StoreOptions options(libsync::FileSystem* on = nullptr) {
    return {.mode = libsync::store::StoreMode::Create, .fs = on, .clock = &clock, .segment_bytes = kSmallSegment};
  }
  // The store on the disk: the folders above it are not there before.
  std::string path() const { return root + "/mail/work"; }
  std::unique_ptr<libsync::store::Store> open_store() {
    auto opened = libsync::store::Store::open(path(), options(&fs));
    EXPECT_TRUE(opened) << opened.error().text();
    return opened ? std::move(*opened) : nullptr;
  }

  // Every sync point from here on is looked at: what the platter then holds, for each kind of luck, is given to `check`
  // as a folder of its own; the store in it is at the same place below it as on the disk.
  using Check = std::function<void(const std::string& folder)>;
  void watch(Check check) {
    check_ = std::move(check);
    disk.at_sync = [this](const std::string& moment) { look(moment); };
  }
  void stop_watching() { disk.at_sync = {}; }
  void look(const std::string& moment);
  // Nothing is wrong with it but what is harmless: something behind the last message, a segment that nothing points
  // into.
  static void expect_sound(libsync::store::Store& store);
  static void expect_whole(libsync::store::Store& store);  // not even that
  static void expect_clean(libsync::store::Store& store);  // not even that behind a compact
  std::string store_in(const std::string& folder) const { return folder + path().substr(root.size()); }
  // What was promised until now has changed: the same platter is looked at again.
  void promised() { ++promises_; }

  TempDir dir{quick_folder()};
  std::string root = dir / "disk";
  SetClock clock;
  PowerDisk disk;
  PowerFileSystem fs{disk};
  PowerVfs vfs{disk};

 private:
  void look_at(const Platter& platter, const std::string& moment, const Loss& loss);

  Check check_;
  uint64_t promises_ = 0;
  std::map<size_t, uint64_t> seen_;  // platters by their hash, with the promises they were held against
  uint64_t looks_ = 0, outcomes_ = 0, different_ = 0;
};

}  // namespace twinbox::test

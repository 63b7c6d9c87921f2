// compact and rebuild, ended at every one of their steps: by a disk that takes no more, or by the death of the process.
// A step is a change of a file, and each commit of SQLite's, before it and behind it. (In between, whole or nothing is
// SQLite's promise.)
#include <filesystem>
#include <fstream>
#include <set>

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libsync/store/segment_format.h"

#include "tests/support/failing_fs.h"
#include "tests/unit/store/store_fixture.h"

namespace twinbox::test {
namespace {

using namespace libsync;
namespace stdfs = std::filesystem;

enum class Way { Fails, Kills };
constexpr int kWhole = 0, kKilled = 9, kFailed = 3;  // how the child ended

// The steps of one child process.
struct Steps {
  Way way = Way::Kills;
  size_t left = 0;
  bool tripped = false;

  bool allow() {
    if (left > 0) {
      --left;
      return true;
    }
    tripped = true;
    if (way == Way::Kills) ::_exit(kKilled);
    return false;
  }
} steps;

bool committing = false;

int before_commit(void*) {
  committing = true;
  return steps.allow() ? 0 : 1;
}
// The statement that committed has ended.
int behind_commit(unsigned, void*, void*, void*) {
  if (std::exchange(committing, false) && steps.way == Way::Kills) (void)steps.allow();
  return 0;
}
int watch(sqlite3* db, char**, const void*) {
  sqlite3_commit_hook(db, before_commit, nullptr);
  sqlite3_trace_v2(db, SQLITE_TRACE_PROFILE, behind_commit, nullptr);
  return SQLITE_OK;
}

// Runs `what` in a process of its own, which comes to its end after `good` steps.
int in_child(Way way, size_t good, const std::function<Status(FileSystem&)>& what) {
  const pid_t child = ::fork();
  if (child == 0) {
    steps = {.way = way, .left = good};
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(watch));
    FailingFileSystem fs([] { return steps.allow(); });
    const Status status = what(fs);
    ::_exit(steps.tripped ? kFailed : status ? kWhole : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WEXITSTATUS(status);
}

// SQLite's locks on a file go when this process closes the file anywhere. Without them another process takes itself for
// the last one that has the store open, and removes the write-ahead log that this one goes on writing to.
TEST(Locks, OpeningAStoreAgainKeepsThoseOfTheFirst) {
  const TempDir dir;
  int begin[2];
  ASSERT_EQ(::pipe(begin), 0);
  const pid_t other = ::fork();  // before SQLite knows of the store in here
  if (other == 0) {
    char byte = 0;
    const bool begun = ::read(begin[0], &byte, 1) == 1;
    auto opened = store::Store::open(dir / "store");
    const bool read = opened && (*opened)->mailboxes();
    if (opened) opened->reset();
    ::_exit(begun && read ? 0 : 1);
  }
  auto first = *store::Store::open(dir / "store", {.mode = store::StoreMode::Create});
  ASSERT_TRUE((*first->begin())->commit());
  EXPECT_TRUE(store::Store::open(dir / "store"));
  EXPECT_TRUE(store::Store::open(dir / "store", {.mode = store::StoreMode::ReadOnly}));
  ASSERT_EQ(::write(begin[1], "x", 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(other, &status, 0), other);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_TRUE(stdfs::exists(dir / "store/twin.db-wal"));
  for (const int end : begin) ::close(end);
}

class Crash : public StoreTest, public ::testing::WithParamInterface<Way> {
 protected:
  static constexpr uint64_t kSmallSegment = 5'000;

  void SetUp() override {
    open(kSmallSegment);
    const auto inbox = make_box({"INBOX"});
    for (int i = 0; i < 16; ++i) {
      std::string body;
      for (int k = 0; k < 20; ++k) body += to_hex(sha256(std::to_string(i * 100 + k))) + "\r\n";
      const std::string octets = mail(std::to_string(i), body);
      const auto id = put(inbox, octets, {.system = i % 2 == 0 ? sync::kSeen : 0U});
      if (i % 4 == 0) {
        kept.insert(octets);
      } else {
        auto write = *store->begin();
        ASSERT_TRUE(write->remove(id) && write->commit());
      }
      all.insert(octets);
    }
    clock.seconds += 40 * 86400;
    store.reset();
    stdfs::copy(path(), dir / "before", stdfs::copy_options::recursive);
  }

  void start_again() {
    store.reset();
    stdfs::remove_all(path());
    stdfs::copy(dir / "before", path(), stdfs::copy_options::recursive);
  }

  store::StoreOptions options_on(FileSystem& fs) {
    auto with = options(kSmallSegment);
    with.fs = &fs;
    return with;
  }

  // Octets of all messages, by the list, as an export has them.
  std::set<std::string> listed() {
    std::set<std::string> found;
    EXPECT_TRUE(store->list({.order = store::ListOrder::Uid}, [&](const store::MessageInfo& message) {
      found.insert(store->content(message.content).value_or("damaged"));
      return true;
    }));
    return found;
  }
  std::set<std::string> contents() {
    std::set<std::string> found;
    auto s = *store->db().prepare("SELECT id FROM content");
    while (*s.step()) found.insert(store->content(s.integer(0)).value_or("damaged"));
    return found;
  }

  // Names and sizes of what is in content/.
  std::map<std::string, uint64_t> files() const {
    std::map<std::string, uint64_t> found;
    for (const auto& entry : stdfs::directory_iterator(path() + "/content")) {
      found[entry.path().filename()] = entry.file_size();
    }
    return found;
  }
  // Of all segments, without their headers: however many there are.
  uint64_t bytes() const {
    uint64_t sum = 0;
    for (const auto& [name, size] : files()) sum += size - store::kSegmentHeaderBytes;
    return sum;
  }

  std::set<std::string> kept, all;
};

TEST_P(Crash, CompactLosesNothingAtAnyStepAndTheNextOneCleansUp) {
  open(kSmallSegment);
  const auto uids = [&] {
    std::map<store::MessageId, std::pair<uint32_t, uint32_t>> found;
    EXPECT_TRUE(store->list({}, [&](const store::MessageInfo& message) {
      found[message.id] = {message.uid, message.flags.system};
      return true;
    }));
    return found;
  };
  const auto places = uids();
  for (int again = 0; again < 2; ++again) ASSERT_TRUE(store->compact({.force = true}, {}, {}));
  ASSERT_EQ(listed(), kept);
  const auto compacted = bytes();
  const auto count = files().size();
  size_t good = 0;
  for (int ended = kKilled; ended != kWhole; ++good) {
    ASSERT_LT(good, 500U);
    SCOPED_TRACE("ended behind " + std::to_string(good) + " steps");
    start_again();
    ended = in_child(GetParam(), good, [&](FileSystem& fs) -> Status {
      TB_ASSIGN(auto opened, store::Store::open(path(), options_on(fs)));
      TB_TRY(opened->compact({.force = true}, {}, {}));
      return {};
    });
    ASSERT_TRUE(ended == kWhole || ended == kKilled || ended == kFailed) << ended;
    open(kSmallSegment);
    ASSERT_EQ(listed(), kept);
    ASSERT_EQ(uids(), places);
    auto report = store->verify({}, {});
    ASSERT_TRUE(report && report->ok()) << report->problems[0].text;
    // Twice: what was copied already, and has no rows, goes with the segment that it was copied to.
    for (int again = 0; again < 2; ++again) ASSERT_TRUE(store->compact({.force = true}, {}, {}));
    report = store->verify({}, {});
    ASSERT_TRUE(report->problems.empty()) << report->problems[0].text;
    ASSERT_EQ(listed(), kept);
    ASSERT_FALSE(store->unclaimed_since()->has_value()) << "what was purged is back";
    ASSERT_EQ(bytes(), compacted);
    ASSERT_LE(files().size(), count + 1);
  }
  EXPECT_GE(good, 15U);
}

// Of an index that is lost, and of one that is there; one segment's header is damaged and comes back on the way.
TEST_P(Crash, ARebuildLosesNothingAtAnyStepAndCanBeRunAgain) {
  for (const bool lost : {true, false}) {
    if (!lost && GetParam() == Way::Fails) continue;
    size_t good = 0;
    for (int ended = kKilled; ended != kWhole; ++good) {
      ASSERT_LT(good, 500U);
      SCOPED_TRACE((lost ? "lost, ended behind " : "there, ended behind ") + std::to_string(good) + " steps");
      start_again();
      if (lost) {
        for (const char* name : {"twin.db", "twin.db-wal", "twin.db-shm"}) stdfs::remove(path() + "/" + name);
      }
      std::fstream(segment(2), std::ios::in | std::ios::out | std::ios::binary).seekp(3).put('X');
      const auto rebuild = [&](FileSystem& fs) -> Status {
        TB_ASSIGN(const auto lock, store::lock_store(path(), std::chrono::seconds(5), {}));
        TB_TRY(store::rebuild_store(path(), *lock, options_on(fs), {}, {}));
        return {};
      };
      ended = in_child(GetParam(), good, rebuild);
      ASSERT_TRUE(ended == kWhole || ended == kKilled || ended == kFailed) << ended;
      RealFileSystem real;
      if (!store::database_is_lost(path())) {
        open(kSmallSegment);
        ASSERT_EQ(contents(), all);
        store.reset();
      }
      const Status again = rebuild(real);
      ASSERT_TRUE(again) << again.error().text();
      open(kSmallSegment);
      ASSERT_EQ(contents(), all);
      const auto report = store->verify({}, {});
      ASSERT_TRUE(report->problems.empty()) << report->problems[0].text;
      ASSERT_EQ(files().size(), std::distance(stdfs::directory_iterator(dir / "before/content"), {}));
      ASSERT_FALSE(stdfs::exists(path() + "/twin.db.rebuild"));
    }
    EXPECT_GE(good, 15U);
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, Crash, ::testing::Values(Way::Fails, Way::Kills),
                         [](const auto& way) { return way.param == Way::Fails ? "Fails" : "Kills"; });

}  // namespace
}  // namespace twinbox::test

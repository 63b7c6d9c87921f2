// The power goes at every sync point of compact, of a rebuild and of a migration.
#include <fstream>

#include "libsync/replicas/memory.h"
#include "libsync/store/schema.h"
#include "libsync/store/tokenizer.h"

#include "tests/fault/power/power_fixture.h"
#include "tests/support/failing_fs.h"

namespace twinbox::test {
namespace {

using namespace libsync;
namespace stdfs = std::filesystem;

class Upkeep : public PowerTest {
 protected:
  static std::string letter(int number) {
    std::string body;
    for (int k = 0; k < 20; ++k) body += to_hex(sha256(std::to_string(number * 100 + k))) + "\r\n";
    return mail(std::to_string(number), body);
  }

  // Twelve messages over several segments; two of three go to the quarantine.
  void fill(store::Store& store) {
    auto write = *store.begin();
    const auto inbox = *write->create_mailbox({"INBOX"});
    ASSERT_TRUE(write->commit());
    for (int i = 0; i < 12; ++i) {
      const auto staged = store.stage(letter(i));
      auto add = *store.begin();
      const auto placed = add->add(inbox, *staged, {.system = i % 2 == 0 ? sync::kSeen : 0U}, {});
      ASSERT_TRUE(placed && add->commit());
      if (i % 3 == 0) continue;
      auto gone = *store.begin();
      ASSERT_TRUE(gone->remove(placed->id) && gone->commit());
    }
  }

  // A server that has the same mail.
  replicas::MemoryReplica server() {
    replicas::MemoryReplica out;
    out.make_box({"INBOX"}, sync::Role::Inbox);
    for (int i = 0; i < 12; ++i) out.append({"INBOX"}, letter(i), {.system = i % 2 == 0 ? sync::kSeen : 0U});
    return out;
  }

  // The same twelve from a server, with the link to it.
  void fill_by_sync(store::Store& store) {
    auto remote = server();
    ASSERT_TRUE(run_sync({store, remote, clock}));
    for (int i = 0; i < 12; ++i) all.insert(to_hex(sha256(letter(i))));
  }

  static std::set<std::string> contents(store::Store& store) {
    std::set<std::string> found;
    auto s = *store.db().prepare("SELECT id FROM content");
    while (*s.step()) found.insert(to_hex(sha256(store.content(s.integer(0)).value_or("damaged"))));
    return found;
  }

  std::unique_ptr<store::Store> open_in(const std::string& folder) {
    auto opened = store::Store::open(store_in(folder), options());
    EXPECT_TRUE(opened) << opened.error().text();
    return opened ? std::move(*opened) : nullptr;
  }

  std::set<std::string> all;
};

TEST_F(Upkeep, CompactLosesNothingAndTheNextOneCleansUp) {
  auto store = open_store();
  fill(*store);
  const Shown before = show(*store);
  Shown after;
  for (const auto& line : before) {
    if (!line.starts_with("- ")) after.insert(line);
  }
  clock.seconds += 40 * 86400;
  disk.settle();
  watch([&](const std::string& folder) {
    const auto opened = open_in(folder);
    ASSERT_TRUE(opened);
    const Shown found = show(*opened);
    ASSERT_TRUE(found == before || found == after);
    expect_sound(*opened);
    // Twice: what was copied already, and has no rows, goes with the segment that it was copied to.
    for (int again = 0; again < 2; ++again) ASSERT_TRUE(opened->compact({.force = true}, {}, {}));
    expect_whole(*opened);
    ASSERT_EQ(show(*opened), after);
    ASSERT_FALSE(opened->unclaimed_since()->has_value()) << "what was purged is back";
  });
  ASSERT_TRUE(store->compact({.force = true}, {}, {}));
  EXPECT_EQ(show(*store), after);
  store.reset();
  look("at the end");
}

class Rebuild : public Upkeep {
 protected:
  Status rebuild(const std::string& store, FileSystem& on) {
    TB_ASSIGN(const auto lock, store::lock_store(store, std::chrono::seconds(5), {}));
    TB_TRY(store::rebuild_store(store, *lock, options(&on), {}, {}));
    return {};
  }

  void expect_rebuilt(const std::string& folder, const Shown& before) {
    // While the old one is set aside and the new one not yet in its place there is none: sync and verify say so, and
    // rebuild.
    if (!store::database_is_lost(store_in(folder))) {
      const auto opened = open_in(folder);
      ASSERT_TRUE(opened);
      const Shown found = show(*opened);
      ASSERT_TRUE(found == before || found.empty()) << found.size();
      ASSERT_EQ(contents(*opened), all);
      const auto report = opened->verify({}, {});
      ASSERT_TRUE(report && !report->index_damaged()) << report->problems[0].text;
    }
    RealFileSystem real;
    const Status again = rebuild(store_in(folder), real);
    ASSERT_TRUE(again) << again.error().text();
    const auto opened = open_in(folder);
    ASSERT_EQ(contents(*opened), all);
    expect_whole(*opened);
    auto remote = server();
    ASSERT_TRUE(run_sync({*opened, remote, clock}));
    ASSERT_EQ(without_uids(show(*opened)), without_uids(before));
    expect_whole(*opened);
    ASSERT_FALSE(stdfs::exists(store_in(folder) + "/twin.db.rebuild"));
  }
};

// The index is lost; or there as one leaves it that was killed, with all of it in the log, or what came last (played
// back into another index, that damages it); or there, and its log just removed. A segment whose header is damaged gets
// it back on the way.
class RebuildWhere : public Rebuild, public ::testing::WithParamInterface<std::string> {};

TEST_P(RebuildWhere, LosesNothingAndCanBeRunAgain) {
  auto store = open_store();
  fill_by_sync(*store);
  const Shown before = show(*store);
  if (GetParam() == "InUse" || GetParam() == "LastInLog") {
    if (GetParam() == "LastInLog") {
      ASSERT_TRUE(store->db().exec("PRAGMA wal_checkpoint(TRUNCATE)"));
      ASSERT_TRUE(store->index_pending(std::chrono::hours(1), {}, {}));
    }
    stdfs::copy(path(), dir / "killed", stdfs::copy_options::recursive);
    store.reset();
    stdfs::remove_all(path());
    stdfs::rename(dir / "killed", path());
    ASSERT_GT(stdfs::file_size(path() + "/twin.db-wal"), 4'096U);
  }
  if (GetParam() == "Closed") {
    disk.settle();
    store.reset();  // that the log is gone is not durable
  }
  store.reset();
  if (GetParam() == "Lost") stdfs::remove(path() + "/twin.db");
  std::fstream(path() + "/content/00000002.seg", std::ios::in | std::ios::out | std::ios::binary).seekp(3).put('X');
  if (GetParam() != "Closed") disk.forget();
  watch([&](const std::string& folder) { expect_rebuilt(folder, before); });
  const Status done = rebuild(path(), fs);
  EXPECT_TRUE(done) << done.error().text();
  look("at the end");
}

// From a backup, say: nothing of it is durable when the rebuild begins.
TEST_F(Rebuild, OfSegmentsThatSomebodyPutThereIsDurable) {
  fill_by_sync(*open_store());
  const Platter backup = disk.after({Luck::EverythingStays});
  stdfs::remove_all(root + "/mail");
  disk.forget();
  for (const auto& [name, bytes] : backup) {
    if (!bytes) {
      ASSERT_TRUE(fs.make_dir(root + "/" + name));
    } else if (name.ends_with(".seg")) {
      const auto file = fs.open(root + "/" + name, OpenMode::CreateNew);
      ASSERT_TRUE(file && (*file)->write_at(0, *bytes));
    }
  }
  const Status done = rebuild(path(), fs);
  ASSERT_TRUE(done) << done.error().text();
  watch([&](const std::string& folder) {
    const auto opened = open_in(folder);
    ASSERT_TRUE(opened);
    ASSERT_EQ(contents(*opened), all);
  });
  look("at the end");
}

INSTANTIATE_TEST_SUITE_P(TheIndexIs, RebuildWhere, ::testing::Values("Lost", "InUse", "LastInLog", "Closed"),
                         [](const auto& which) { return which.param; });

// A store of the first version: its tables, with what the columns that it had hold.
class Migration : public Upkeep {
 protected:
  void make_old() {
    const std::string now = path() + "/twin.db", old = dir / "old.db";
    {
      const auto db = *store::Db::open(old, store::DbMode::ReadWrite);
      ASSERT_TRUE(store::register_tokenizer(*db));
      ASSERT_TRUE(store::migrate(*db, old, true, store::schema_steps().first(1)));
      ASSERT_TRUE(db->exec("ATTACH '" + now + "' AS now"));
      std::vector<std::string> copies;
      {
        auto s = *db->prepare(
            "SELECT m.name, group_concat(p.name) FROM main.sqlite_master m, pragma_table_info(m.name) p"
            " WHERE m.type='table' AND m.name NOT LIKE 'words%' GROUP BY 1");
        while (*s.step()) {
          const std::string table(s.text(0)), columns(s.text(1));
          copies.push_back("DELETE FROM main." + table + "; INSERT INTO main." + table + "(" + columns + ") SELECT " +
                           columns + " FROM now." + table);
        }
      }
      ASSERT_GE(copies.size(), 10U);
      for (const auto& copy : copies) {
        const Status copied = db->exec("PRAGMA foreign_keys=OFF; " + copy);
        ASSERT_TRUE(copied) << copied.error().text();
      }
    }
    stdfs::remove(now);
    stdfs::rename(old, now);
  }
};

TEST_F(Migration, FromTheFirstVersionLosesNothing) {
  auto store = open_store();
  fill_by_sync(*store);
  const Shown before = show(*store);
  store.reset();
  make_old();
  disk.forget();
  watch([&](const std::string& folder) {
    const auto opened = open_in(folder);
    ASSERT_TRUE(opened);
    ASSERT_EQ(show(*opened), before);
    expect_whole(*opened);
    auto again = server();
    ASSERT_TRUE(run_sync({*opened, again, clock}));
    ASSERT_EQ(show(*opened), before);
  });
  store = open_store();
  EXPECT_EQ(show(*store), before);
  store.reset();
  look("at the end");
}

}  // namespace
}  // namespace twinbox::test

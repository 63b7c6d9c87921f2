// The link in SQLite: what it keeps of rows and pairs, how many messages of a mailbox are known, whatever is done to
// its rows, and what it takes.
#include "libsync/store/link_table.h"

#include <functional>
#include <tuple>

#include <gtest/gtest.h>

#include "libsync/store/link_columns.h"

#include "tests/support/temp_dir.h"

namespace {

using namespace libsync;
using sync::At;
using sync::Row;
using sync::RowId;
using sync::Side;

class LinkTableTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = store::Db::open(":memory:", store::DbMode::Memory);
    ASSERT_TRUE(opened) << opened.error().text();
    db = std::move(*opened);
    ASSERT_TRUE(store::create_link_tables(*db));
    link = store::open_link(*db);
    for (const RowId number : {1, 2, 3}) rows.push_back(put({}, number, At::Bound, 1));
    // From here on the numbers are remembered.
    ASSERT_EQ(counts(), (std::vector<uint64_t>{3, 0, 0, 0}));
  }

  Row put(Row row, RowId number, At at, sync::PairId pair, Side side = Side::A) {
    row.half(side) = {.at = at, .pair = pair, .key = {.number = static_cast<uint64_t>(number)}};
    const auto id = link->put(row);
    EXPECT_TRUE(id);
    row.id = id.value_or(0);
    return row;
  }

  // Of mailboxes 1 and 2 on side A, then on side B; they are those that another link counts anew.
  std::vector<uint64_t> counts() {
    std::vector<uint64_t> told, counted;
    const auto other = store::open_link(*db);
    for (const Side side : {Side::A, Side::B}) {
      for (const sync::PairId pair : {1, 2}) {
        told.push_back(link->count_bound(side, pair).value());
        counted.push_back(other->count_bound(side, pair).value());
        EXPECT_EQ(link->any_bound(side, pair).value(), counted.back() > 0);
      }
    }
    EXPECT_EQ(told, counted);
    return told;
  }

  std::unique_ptr<store::Db> db;
  std::unique_ptr<sync::Link> link;
  std::vector<Row> rows;
};

TEST_F(LinkTableTest, CountsWhatComesAndGoes) {
  put({}, 4, At::Bound, 1);
  EXPECT_EQ(counts(), (std::vector<uint64_t>{4, 0, 0, 0}));
  rows[0] = put(rows[0], 1, At::Bound, 2, Side::B);
  EXPECT_EQ(counts(), (std::vector<uint64_t>{4, 0, 0, 1}));
  rows[0] = put(rows[0], 9, At::Bound, 2);
  EXPECT_EQ(counts(), (std::vector<uint64_t>{3, 1, 0, 1}));
  rows[1] = put(rows[1], 2, At::Gone, 1);
  EXPECT_EQ(counts(), (std::vector<uint64_t>{2, 1, 0, 1}));
  ASSERT_TRUE(link->erase(rows[0].id));
  ASSERT_TRUE(link->erase(rows[0].id));
  EXPECT_EQ(counts(), (std::vector<uint64_t>{2, 0, 0, 0}));
  rows[2].half(Side::A).flags.system = sync::kSeen;
  ASSERT_TRUE(link->put(rows[2]));
  EXPECT_EQ(counts(), (std::vector<uint64_t>{2, 0, 0, 0}));
}

TEST_F(LinkTableTest, CountsNothingThatWasUndone) {
  {
    const auto batch = link->begin();
    put({}, 4, At::Bound, 1);
    EXPECT_EQ(counts(), (std::vector<uint64_t>{4, 0, 0, 0}));
  }
  EXPECT_EQ(counts(), (std::vector<uint64_t>{3, 0, 0, 0}));
  const auto outer = link->begin();
  put({}, 5, At::Bound, 2);
  {
    const auto inner = link->begin();
    ASSERT_TRUE(link->erase(rows[0].id));
    EXPECT_EQ(counts(), (std::vector<uint64_t>{2, 1, 0, 0}));
  }
  EXPECT_EQ(counts(), (std::vector<uint64_t>{3, 1, 0, 0}));
  ASSERT_TRUE((*outer)->commit());
  EXPECT_EQ(counts(), (std::vector<uint64_t>{3, 1, 0, 0}));
}

TEST_F(LinkTableTest, CountsWhatLostItsPlaceWithManyOthers) {
  sync::KeySet seen;
  seen.add({.number = 2});
  ASSERT_EQ(link->vanish_unseen(Side::A, 1, seen).value(), 2U);
  EXPECT_EQ(counts(), (std::vector<uint64_t>{1, 0, 0, 0}));
  ASSERT_TRUE(link->unbind(Side::A, 1));
  EXPECT_EQ(counts(), (std::vector<uint64_t>{0, 0, 0, 0}));
}

TEST_F(LinkTableTest, KeepsWhateverChangesInARow) {
  Row row = put(rows[0], 7, At::Bound, 2, Side::B);
  const std::vector<std::function<void()>> changes = {
      [&] { row.half(Side::A).flags.add_keyword("one"); },
      [&] { row.half(Side::A).key = {.number = 9}; },
      [&] { row.half(Side::A).pair = 2; },
      [&] { row.half(Side::A) = {.at = At::Gone, .pair = 2}; },
      [&] { row.half(Side::B).key = {.name = "name"}; },
      [&] { row.half(Side::B).at = At::Unbound; },
      [&] { row.object = "object"; },
      [&] { row.content = "sha256:00"; },
      [&] { row.size = 5, row.size_b = 6, row.print = "print", row.date = 7, row.home = 1, row.agreed = true; },
      [&] { row.half(Side::A).asked = sync::Asked::Sent, row.half(Side::B).sent.system = sync::kSeen; },
  };
  for (const auto& change : changes) {
    change();
    ASSERT_TRUE(link->put(row));
    const auto read = link->get(row.id).value();
    ASSERT_TRUE(read);
    EXPECT_EQ(read->side, row.side);
    EXPECT_EQ(std::tie(read->object, read->content, read->print, read->size, read->size_b, read->home),
              std::tie(row.object, row.content, row.print, row.size, row.size_b, row.home));
    for (const Side side : {Side::A, Side::B}) {
      const sync::Half& half = row.half(side);
      const auto found = link->find(side, half.pair, half.key).value();
      EXPECT_EQ(found && found->id == row.id, half.at == At::Bound);
    }
  }
}

// An index costs a page for each message of a large mailbox: those in which nothing changes are left alone.
TEST_F(LinkTableTest, TouchesNoIndexInWhichNothingChanges) {
  const auto touched = [&](const Row& row) {
    auto plan = *db->prepare("EXPLAIN " + std::string(store::update_of(rows[0], row)));
    size_t indexes = 0;
    while (plan.step().value()) indexes += plan.text(1) == "IdxInsert" ? 1 : 0;
    return indexes;
  };
  Row row = rows[0];
  row.half(Side::B).flags.system = sync::kSeen;
  const size_t small = touched(row);  // those of rows that something is to be done about
  row.half(Side::B).key.number = 5;
  EXPECT_EQ(touched(row), small + 1);
  row.half(Side::A).key.number = 5;
  EXPECT_EQ(touched(row), small + 2);
  row.object = "object";
  EXPECT_EQ(touched(row), small + 3);
}

TEST_F(LinkTableTest, GivesPairsBackAsTheyWere) {
  sync::Pair pair{.id = 0, .end = {}, .role = sync::Role::Inbox, .subscribed = true};
  pair.at(Side::A) = {.box = "INBOX", .path = {"INBOX"}, .base = {}, .renaming = {}, .epoch = 3, .cursor = "c"};
  pair.at(Side::B) = {.box = "1", .path = {"a/b", "c"}, .base = {"a/b"}, .renaming = {"d"}, .mask = sync::FlagMask{}};
  ASSERT_TRUE(link->put(pair));
  const auto pairs = link->pairs().value();
  ASSERT_EQ(pairs.size(), 1U);
  EXPECT_EQ(pairs[0].end, pair.end);
  EXPECT_EQ(pairs[0].subscribed, pair.subscribed);
}

int64_t level_of(store::Db& db) {
  auto level = *db.prepare("PRAGMA synchronous");
  EXPECT_TRUE(level.step().value());
  return level.integer(0);
}

TEST(LaterTransactions, AreTheOnlyOnesThatAreNotWaitedFor) {
  constexpr int64_t kNormal = 1, kFull = 2;
  const twinbox::test::TempDir dir;
  const auto db = *store::Db::open(dir / "db", store::DbMode::ReadWrite);
  ASSERT_TRUE(db->exec("CREATE TABLE t(x)"));
  EXPECT_EQ(level_of(*db), kFull);
  {
    auto later = *store::Transaction::begin_later(*db);
    EXPECT_EQ(level_of(*db), kNormal);
    auto within = *store::Transaction::begin_later(*db);
    ASSERT_TRUE(within.commit());
    EXPECT_FALSE(store::Transaction::begin(*db)) << "what is to be durable must not wait for what is not";
    EXPECT_EQ(level_of(*db), kNormal);
    ASSERT_TRUE(later.commit());
  }
  EXPECT_EQ(level_of(*db), kFull);
  {
    auto undone = *store::Transaction::begin_later(*db);
  }
  EXPECT_EQ(level_of(*db), kFull);
  auto durable = *store::Transaction::begin(*db);
  auto within = *store::Transaction::begin_later(*db);
  ASSERT_TRUE(within.commit());
  EXPECT_EQ(level_of(*db), kFull);
  ASSERT_TRUE(durable.commit());
}

}  // namespace

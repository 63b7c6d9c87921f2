// The link in SQLite: how many messages of a mailbox are known, whatever is done to its rows.
#include "libsync/store/link_table.h"

#include <gtest/gtest.h>

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

}  // namespace

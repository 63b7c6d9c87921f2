#include "libsync/sync/link.h"

#include "libsync/store/link_table.h"

#include "tests/unit/store/store_fixture.h"

namespace libsync::store {
namespace {

using sync::At;
using sync::Pair;
using sync::Row;
using sync::Side;

class LinkInStore : public twinbox::test::StoreTest {
 protected:
  void add(At a, sync::PairId a_pair, At b, sync::PairId b_pair, sync::Flags flags = {}, bool dirty = false) {
    Row row;
    row.half(Side::A) = {.at = a, .pair = a_pair, .key = {++number_}, .flags = std::move(flags)};
    row.half(Side::B) = {.at = b, .pair = b_pair, .key = {++number_}};
    row.dirty = dirty;
    ASSERT_TRUE(open_link(store->db())->put(row));
  }
  uint64_t number_ = 0;
};

// A mailbox that never had a name both agreed on is not one that had the name "".
TEST_F(LinkInStore, WhatHasNoNameComesBackWithoutOne) {
  const auto link = open_link(store->db());
  Pair pair;
  pair.at(Side::A) = {.box = "a", .path = {"Work", "Old"}};
  ASSERT_TRUE(link->put(pair));
  const auto pairs = link->pairs();
  ASSERT_TRUE(pairs);
  ASSERT_EQ(pairs->size(), 1U);
  const Pair& back = pairs->front();
  EXPECT_EQ(back.at(Side::A), pair.at(Side::A));
  EXPECT_EQ(back.at(Side::B), pair.at(Side::B));
  EXPECT_TRUE(back.at(Side::A).base.empty());
  EXPECT_TRUE(back.at(Side::A).renaming.empty());
  EXPECT_TRUE(back.at(Side::B).path.empty());
}

TEST_F(LinkInStore, CountsWhatTheModeKeepsDifferent) {
  add(At::Bound, 1, At::Bound, 1);                                       // alike
  add(At::Gone, 1, At::Bound, 1);                                        // here alone
  add(At::Gone, 1, At::Bound, 1, {}, true);                              // waits for the next sync
  add(At::Bound, 1, At::Absent, 0);                                      // there alone
  add(At::Bound, 1, At::Bound, 2);                                       // elsewhere
  add(At::Bound, 2, At::Bound, 2, {.system = sync::kSeen});              // by flags
  add(At::Bound, 2, At::Bound, 2, {.system = 0, .keywords = {"todo"}});  // by keywords
  const auto kept = count_kept(store->db());
  ASSERT_TRUE(kept) << kept.error().text();
  ASSERT_EQ(kept->size(), 2U);
  EXPECT_EQ(kept->at(1).here, 1U);
  EXPECT_EQ(kept->at(1).there, 2U);
  EXPECT_EQ(kept->at(1).flags, 0U);
  EXPECT_EQ(kept->at(2).here, 1U);
  EXPECT_EQ(kept->at(2).there, 0U);
  EXPECT_EQ(kept->at(2).flags, 2U);
}

}  // namespace
}  // namespace libsync::store

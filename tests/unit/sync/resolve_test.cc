// Which new mailbox is one that is known, under another name.
#include "libsync/sync/resolve.h"

#include <vector>

#include <gtest/gtest.h>

namespace libsync::sync {
namespace {

Row letter(uint32_t uid, uint64_t size, std::optional<int64_t> date = 1'600'000'000) {
  Row row;
  row.half(Side::A).key = {.number = uid};
  row.size = size;
  row.date = date;
  return row;
}

TEST(IsRenamed, WhereAtLeastHalfIsThereAndNothingSpeaksAgainstIt) {
  const std::vector<Row> lost = {letter(1, 10), letter(2, 20), letter(5, 50), letter(6, 60)};
  EXPECT_TRUE(is_renamed(Side::A, lost, lost));
  EXPECT_TRUE(is_renamed(Side::A, std::vector{letter(2, 20), letter(6, 60), letter(7, 1)}, lost));
  EXPECT_FALSE(is_renamed(Side::A, std::vector{letter(2, 20), letter(7, 1)}, lost));
  EXPECT_FALSE(is_renamed(Side::A, {}, lost));
  EXPECT_FALSE(is_renamed(Side::A, lost, {}));
}

// Servers that take UIDVALIDITY from the clock give the same one to all mailboxes made within a second, and each of
// them has a message 1.
TEST(IsRenamed, NotIntoAnotherMailboxOfTheSameUidvalidity) {
  const std::vector<Row> lost = {letter(1, 10), letter(2, 20)};
  EXPECT_FALSE(is_renamed(Side::A, std::vector{letter(1, 10), letter(2, 21)}, lost));
  EXPECT_FALSE(is_renamed(Side::A, std::vector{letter(1, 10), letter(2, 20, 1'600'000'001)}, lost));
  EXPECT_TRUE(is_renamed(Side::A, std::vector{letter(1, 10), letter(2, 20, std::nullopt)}, lost));
  for (Id Row::* known : {&Row::object, &Row::print}) {
    std::vector<Row> fresh = lost, old = lost;
    fresh[1].*known = "a";
    EXPECT_TRUE(is_renamed(Side::A, fresh, old));
    old[1].*known = "b";
    EXPECT_FALSE(is_renamed(Side::A, fresh, old));
  }
}

// Sent when the look before was the third.
Row sent(RowId id, PairId to) {
  Row row;
  row.id = id;
  row.size = 10;
  row.print = "p";
  row.half(Side::B) = {.at = At::Bound, .pair = to, .key = {.number = 5}};
  row.half(Side::A) = {.at = At::Unbound, .pair = to, .asked = Asked::Sent, .asked_look = 3};
  return row;
}

Row fresh(RowId id, PairId where, uint64_t look) {
  Row row;
  row.id = id;
  row.size = 10;
  row.print = "p";
  row.look = look;
  row.half(Side::A) = {.at = At::Bound, .pair = where, .key = {.number = 9}};
  return row;
}

TEST(Resolve, WhatWasSentIsNothingThatShowedBefore) {
  const std::vector<Row> lost = {sent(1, 7)};
  EXPECT_TRUE(resolve(Side::A, std::vector{fresh(2, 7, 3)}, lost).empty());
  const auto found = resolve(Side::A, std::vector{fresh(2, 7, 3), fresh(3, 7, 4)}, lost);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].fresh, 3);
  EXPECT_EQ(found[0].known, 1);
}

TEST(Resolve, WhatWasSentIsWhereItWasSentToBeforeItIsAnywhereElse) {
  const std::vector<Row> lost = {sent(1, 7)};
  const auto found = resolve(Side::A, std::vector{fresh(2, 8, 4), fresh(3, 7, 4)}, lost);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].fresh, 3);
}

// A copy was sent, and the one it was copied from is gone from where it was: the one that is new may be either.
TEST(Resolve, OfWhatWasLostAndWhatWasSentTheLostOneIsFoundFirst) {
  Row gone = sent(1, 8);
  gone.half(Side::A) = {.at = At::Gone, .pair = 8, .key = {.number = 4}};
  gone.agreed = true;
  const std::vector<Row> lost = {sent(2, 7), gone};
  const auto one = resolve(Side::A, std::vector{fresh(3, 7, 4)}, lost);
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].known, 1);
  const auto both = resolve(Side::A, std::vector{fresh(3, 7, 4), fresh(4, 9, 4)}, lost);
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].known, 2) << "where it was sent to";
  EXPECT_EQ(both[0].fresh, 3);
}

}  // namespace
}  // namespace libsync::sync

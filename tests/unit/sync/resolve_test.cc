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

}  // namespace
}  // namespace libsync::sync

// The measure of fuzz targets: what counts as the slowest, and when it is too slow.
#include "tests/fuzz/cost.h"

#include <gtest/gtest.h>

namespace libsync::fuzz {
namespace {

// A target whose runs take what the test says, on a clock of the test's own.
class Bench {
 public:
  // Runs an input of `bytes` whose first run takes `first` nanoseconds and every further one `later`.
  void run(size_t bytes, uint64_t first, uint64_t later) {
    const std::string input(bytes, 'x');
    int runs = 0;
    const auto target = [&] {
      now_ += runs++ == 0 ? first : later;
      return 7;
    };
    EXPECT_EQ(cost.measure(target, reinterpret_cast<const uint8_t*>(input.data()), input.size()), 7);
  }
  void run(size_t bytes, uint64_t time) { run(bytes, time, time); }

 private:
  uint64_t now_ = 0;

 public:
  Cost cost{[this] { return now_; }};
};

TEST(Cost, IsFineWhereWorkIsInProportion) {
  Bench bench;
  for (const size_t bytes : {1000U, 8000U, 64000U}) bench.run(bytes, 3 * bytes);
  EXPECT_EQ(bench.cost.inputs(), 3U);
  EXPECT_DOUBLE_EQ(bench.cost.average(), 3.0);
  EXPECT_DOUBLE_EQ(bench.cost.slowest(), 3.0);
  EXPECT_FALSE(bench.cost.too_slow());
}

TEST(Cost, NamesTheSlowestInputByteByByte) {
  Bench bench;
  bench.run(100'000, 500'000);
  bench.run(2000, 20'000);
  bench.run(50'000, 100'000);
  EXPECT_DOUBLE_EQ(bench.cost.slowest(), 10.0);
  EXPECT_EQ(bench.cost.slowest_input().size(), 2000U);
}

TEST(Cost, BeyondFiftyTimesTheAverageIsTooSlow) {
  Bench bench;
  for (int i = 0; i < 1000; ++i) bench.run(1000, 1000);
  bench.run(1000, 49'000);
  EXPECT_FALSE(bench.cost.too_slow());
  bench.run(1000, 60'000);
  EXPECT_TRUE(bench.cost.too_slow());
  EXPECT_NE(bench.cost.text().find("TOO SLOW"), std::string::npos);
}

TEST(Cost, ANeighbourOnTheMachineDoesNotCount) {
  Bench bench;
  for (int i = 0; i < 100; ++i) bench.run(1000, 1000);
  bench.run(1000, 900'000, 1000);
  EXPECT_DOUBLE_EQ(bench.cost.slowest(), 1.0);
}

TEST(Cost, SettingUpIsNoWorkOnBytes) {
  Bench bench;
  for (int i = 0; i < 100; ++i) bench.run(10'000, 10'000);
  bench.run(1, 5000);
  EXPECT_DOUBLE_EQ(bench.cost.slowest(), 5000.0 / kLeastBytes);
  EXPECT_FALSE(bench.cost.too_slow());
}

TEST(Cost, WhatTheTargetRefusesCountsForNothing) {
  Bench bench;
  bench.run(1000, 1000);
  EXPECT_EQ(bench.cost.measure([] { return kRefused; }, nullptr, 0), kRefused);
  EXPECT_EQ(bench.cost.inputs(), 1U);
  EXPECT_DOUBLE_EQ(bench.cost.average(), 1.0);
}

TEST(Cost, TheThreadsClockCountsWork) {
  const uint64_t before = thread_time();
  volatile uint64_t sum = 0;
  for (uint64_t i = 0; i < 1'000'000; ++i) sum = sum + i;
  EXPECT_GT(thread_time(), before + 100'000);
}

}  // namespace
}  // namespace libsync::fuzz

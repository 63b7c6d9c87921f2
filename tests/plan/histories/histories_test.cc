#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/plan/histories/history.h"

namespace twinbox::plan {
namespace {

uint64_t number_of(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Plays it; a failing one is shortened and told.
bool holds(uint64_t seed) {
  const History history = make_history(seed);
  const auto wrong = play(history);
  if (!wrong) return true;
  const History shorter = shrink(history);
  std::string story;
  const auto still = play(shorter, &story);
  ADD_FAILURE() << "seed " << seed << " (" << history.can->name << "): " << *wrong << "\nshortened to "
                << shorter.events.size() << " steps: " << still.value_or("") << "\n"
                << story;
  return false;
}

// TWINBOX_SEED=n plays that one, and tells it.
TEST(Histories, EndWithNothingLostNothingTwiceAndAllAlike) {
  const bool is_long = std::getenv("TWINBOX_LONG") != nullptr;
  if (const uint64_t one = number_of("TWINBOX_SEED", 0); one != 0) {
    holds(one);
    return;
  }
  const uint64_t count = number_of("TWINBOX_HISTORIES", is_long ? 100'000 : 2'000);
  constexpr int kEnoughFailures = 3;
  std::atomic<uint64_t> next = 1;
  std::atomic<int> failed = 0;
  const auto work = [&] {
    for (uint64_t seed = next++; seed <= count && failed < kEnoughFailures; seed = next++) {
      if (!holds(seed)) ++failed;
    }
  };
  std::vector<std::jthread> workers;
  for (unsigned i = std::thread::hardware_concurrency(); i > 1; --i) workers.emplace_back(work);
  work();
}

}  // namespace
}  // namespace twinbox::plan

#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/plan/histories/history.h"

namespace twinbox::plan {
namespace {

uint64_t number_of(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// TWINBOX_SEED=n plays that one, and tells it.
TEST(Histories, EndWithNothingLostNothingTwiceAndAllAlike) {
  const bool is_long = std::getenv("TWINBOX_LONG") != nullptr;
  const uint64_t one = number_of("TWINBOX_SEED", 0);
  uint64_t count = one != 0 ? 1 : number_of("TWINBOX_HISTORIES", is_long ? 100'000 : 2'000);
  int failed = 0;
  for (uint64_t seed = one == 0 ? 1 : one; count-- > 0; ++seed) {
    const History history = make_history(seed);
    const auto wrong = play(history);
    if (!wrong) continue;
    const History shorter = shrink(history);
    std::string story;
    const auto still = play(shorter, &story);
    ADD_FAILURE() << "seed " << seed << " (" << history.can->name << "): " << *wrong << "\nshortened to "
                  << shorter.events.size() << " steps: " << still.value_or("") << "\n"
                  << story;
    if (++failed >= 3) break;
  }
}

}  // namespace
}  // namespace twinbox::plan

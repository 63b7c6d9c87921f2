#include "tests/fuzz/cost.h"

#include <algorithm>
#include <ctime>

#include <fmt/format.h>

namespace libsync::fuzz {
uint64_t thread_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

uint64_t Cost::once(const std::function<int()>& target, int& result) const {
  const uint64_t before = clock_();
  result = target();
  return clock_() - before;
}

int Cost::measure(const std::function<int()>& target, const uint8_t* data, size_t size) {
  int result = 0;
  uint64_t time = once(target, result);
  if (result == kRefused) return result;
  const size_t bytes = std::max(size, kLeastBytes);
  const auto is_record = [&] { return static_cast<double>(time) > slowest_ * static_cast<double>(bytes); };
  for (int i = 0; i < kFurtherRuns && is_record(); ++i) time = std::min(time, once(target, result));
  if (is_record()) {
    slowest_ = static_cast<double>(time) / static_cast<double>(bytes);
    slowest_input_.assign(reinterpret_cast<const char*>(data), size);
  }
  ++inputs_;
  nanoseconds_ += time;
  bytes_ += bytes;
  return result;
}

double Cost::average() const {
  return bytes_ == 0 ? 0 : static_cast<double>(nanoseconds_) / static_cast<double>(bytes_);
}

bool Cost::too_slow() const { return slowest_ > kMostTimesAverage * average(); }

std::string Cost::text() const {
  return fmt::format(
      "cost: {} inputs, {:.1f} ns a byte on average, {:.1f} the slowest of {} bytes, {:.1f} times the average{}",
      inputs_, average(), slowest_, slowest_input_.size(), average() > 0 ? slowest_ / average() : 0,
      too_slow() ? ": TOO SLOW" : "");
}

}  // namespace libsync::fuzz

// What an input costs a target, and whether that is in proportion to its size. Every target has it: the linker puts
// measure() between libFuzzer, or the replay of seeds, and LLVMFuzzerTestOneInput.
//
// The measure is the CPU time of the thread, for a clock on the wall also counts the neighbours. What noise adds is
// taken off again: an input that seems to be a new record is run some times more, and the least of its times counts.
// An input below kLeastBytes counts as one of that size, for setting up is no work on bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace libsync::fuzz {

// Targets set up sessions, converters and files for some microseconds; it takes hundreds of octets to match that.
inline constexpr size_t kLeastBytes = 512;
// An input may cost so many times the average, byte by byte. Honest differences (junk that the first octet gives away,
// text in a charset that the C library converts) are of one to two dozen; work that grows with the square of the
// input passes this at a few kilobytes.
inline constexpr double kMostTimesAverage = 50;
// What a target returns for an input that it has no use for (libFuzzer does not keep it either).
inline constexpr int kRefused = -1;
// Further runs of an input that seems to be the slowest yet.
inline constexpr int kFurtherRuns = 9;

class Cost {
 public:
  using Clock = std::function<uint64_t()>;  // nanoseconds of work so far
  explicit Cost(Clock clock) : clock_(std::move(clock)) {}

  // Runs the target on an input, once or, for a record, several times. What the target returned; one that it refuses
  // counts for nothing.
  int measure(const std::function<int()>& target, const uint8_t* data, size_t size);

  uint64_t inputs() const { return inputs_; }
  double average() const;                      // nanoseconds a byte, over all inputs
  double slowest() const { return slowest_; }  // nanoseconds a byte, of the slowest input
  const std::string& slowest_input() const { return slowest_input_; }
  bool too_slow() const;     // the slowest is beyond kMostTimesAverage
  std::string text() const;  // a line that tools/dev reads

 private:
  uint64_t once(const std::function<int()>& target, int& result) const;

  Clock clock_;
  uint64_t inputs_ = 0, nanoseconds_ = 0, bytes_ = 0;
  double slowest_ = 0;
  std::string slowest_input_;
};

// The CPU time of this thread, in nanoseconds.
uint64_t thread_time();

// The cost of this process's target (measured.cc).
Cost& cost();

}  // namespace libsync::fuzz

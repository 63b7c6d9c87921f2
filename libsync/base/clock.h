// Time as a parameter. Steady time measures deadlines; wall time stamps what is kept.
#pragma once

#include <chrono>
#include <cstdint>

namespace libsync {

using Steady = std::chrono::steady_clock;
using Deadline = Steady::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Steady::time_point now() const = 0;
  virtual int64_t unix_seconds() const = 0;  // UTC
};

// The machine's clocks. Thread-safe.
class SystemClock final : public Clock {
 public:
  Steady::time_point now() const override { return Steady::now(); }
  int64_t unix_seconds() const override {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace libsync

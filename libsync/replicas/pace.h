// The least rate of a server's answers. A deadline for the next octet alone lets a server that sends one now
// and then hold a session, and the store's lock with it, for ever.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ratio>

namespace libsync::replicas {

// Octets a second, lasting. A modem of 1990 brought 240, a satellite telephone brings 200.
inline constexpr uint64_t kLeastRate = 64;

// A store of patience: waiting uses it up, octets bring it back at kLeastRate, up to what it was at the
// beginning. Only time spent waiting counts, so a slow disk of ours is nobody's fault. A value; no clock.
class Pace {
 public:
  using Duration = std::chrono::nanoseconds;
  explicit Pace(Duration patience) : patience_(patience), left_(patience) {}

  void begin() { left_ = patience_; }
  void took(Duration waited, uint64_t octets) {
    // More octets than fill it up would only overflow.
    const auto enough = static_cast<uint64_t>(std::chrono::ceil<std::chrono::seconds>(patience_ + waited).count());
    const uint64_t counted = std::min(octets, (enough + 1) * kLeastRate);
    const Duration earned(static_cast<int64_t>(counted * (std::nano::den / kLeastRate)));
    left_ = std::min(patience_, left_ - waited + earned);
  }
  Duration left() const { return std::max(left_, Duration::zero()); }
  bool spent() const { return left_ <= Duration::zero(); }

 private:
  Duration patience_, left_;
};

}  // namespace libsync::replicas

// How often each value of an enumeration with kCount at its end was met. A value; one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace libsync {

template <class Enum>
class Counts {
 public:
  void note(Enum what) { ++met_[static_cast<size_t>(what)]; }
  uint64_t count(Enum what) const { return met_[static_cast<size_t>(what)]; }

 private:
  std::array<uint64_t, static_cast<size_t>(Enum::kCount)> met_{};
};

}  // namespace libsync

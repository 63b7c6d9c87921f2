// Keys that a full look has seen, kept small: numbers as ranges, names as 64-bit digests.
#pragma once

#include <cstdint>
#include <deque>
#include <map>

#include "libsync/sync/replica.h"

namespace libsync::sync {

// A million consecutive UIDs take one range, a million UIDLs 8 MB. Names are told apart by a digest of
// 64 bits: two of them colliding makes a message that vanished look as if it were there until the next
// change, the safe side to err on.
//
// One thread at a time, readers too: contains() and size() sort what came since the last question. No errors:
// what can't be a number is a name.
class KeySet {
 public:
  void add(const Key& key);
  void add_range(uint64_t first, uint64_t last);
  bool contains(const Key& key) const;
  uint64_t size() const;  // distinct keys

 private:
  void settle() const;
  std::map<uint64_t, uint64_t> ranges_;  // first → last, disjoint, not adjacent
  mutable std::deque<uint64_t> names_;   // sorted and unique up to settled_; never in memory twice to grow
  mutable size_t settled_ = 0;
};

}  // namespace libsync::sync

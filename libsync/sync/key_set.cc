#include "libsync/sync/key_set.h"

#include <algorithm>
#include <cstring>

#include "libsync/base/digest.h"

namespace libsync::sync {
namespace {

uint64_t digest_of(const std::string& name) {
  // A server chooses the names: a digest that it cannot make collide.
  const Sha256Digest digest = sha256(name);
  uint64_t value = 0;
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

}  // namespace

void KeySet::add(const Key& key) {
  if (key.number != 0) {
    add_range(key.number, key.number);
  } else {
    names_.push_back(digest_of(key.name));
  }
}

void KeySet::add_range(uint64_t first, uint64_t last) {
  if (first > last) std::swap(first, last);
  auto next = ranges_.upper_bound(first);
  auto here = next == ranges_.begin() ? ranges_.end() : std::prev(next);
  const bool touches = here != ranges_.end() && (here->second >= first || here->second + 1 == first);
  if (!touches) {
    here = ranges_.emplace_hint(next, first, last);
  } else {
    here->second = std::max(here->second, last);
  }
  while (next != ranges_.end() && (next->first <= here->second || next->first == here->second + 1)) {
    here->second = std::max(here->second, next->second);
    next = ranges_.erase(next);
  }
}

void KeySet::settle() const {
  if (settled_ == names_.size()) return;
  std::ranges::sort(names_);
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
  settled_ = names_.size();
}

bool KeySet::contains(const Key& key) const {
  if (key.number != 0) {
    const auto next = ranges_.upper_bound(key.number);
    return next != ranges_.begin() && std::prev(next)->second >= key.number;
  }
  settle();
  return std::ranges::binary_search(names_, digest_of(key.name));
}

uint64_t KeySet::size() const {
  settle();
  uint64_t count = names_.size();
  for (const auto& [first, last] : ranges_) count += last - first + 1;
  return count;
}

}  // namespace libsync::sync

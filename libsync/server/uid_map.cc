#include "libsync/server/uid_map.h"

#include <algorithm>
#include <utility>

namespace libsync::server {

UidMap::UidMap(const imap::SequenceSet& uids) {
  for (const auto& range : uids.ranges()) append_run(range.first, range.last);
}

void UidMap::append_run(uint32_t first, uint32_t last) {
  if (!runs_.empty() && runs_.back().last + 1 == first) {
    runs_.back().last = last;
  } else {
    runs_.push_back({.first = first, .last = last, .before = count()});
  }
}

void UidMap::append(uint32_t uid) { append_run(uid, uid); }

std::optional<uint32_t> UidMap::number_of(uint32_t uid) const {
  const auto run = std::ranges::lower_bound(runs_, uid, {}, &Run::last);
  if (run == runs_.end() || uid < run->first) return std::nullopt;
  return run->before + (uid - run->first) + 1;
}

uint32_t UidMap::uid_at(uint32_t number) const {
  const auto behind = std::ranges::upper_bound(runs_, number - 1, {}, &Run::before);
  const Run& run = *(behind - 1);
  return run.first + (number - 1 - run.before);
}

imap::SequenceSet UidMap::uids_of(const imap::SequenceSet& numbers) const {
  imap::SequenceSet uids;
  for (const auto& range : numbers.ranges()) {
    const uint32_t last = std::min(range.last, count());
    for (uint32_t number = range.first; number <= last;) {
      const Run& run = *(std::ranges::upper_bound(runs_, number - 1, {}, &Run::before) - 1);
      const uint32_t first = run.first + (number - 1 - run.before);
      const uint32_t take = std::min(run.last - first, last - number);
      uids.add(first, first + take);
      number += take + 1;
    }
  }
  return uids;
}

imap::SequenceSet UidMap::among(const imap::SequenceSet& uids) const {
  imap::SequenceSet found;
  for (const auto& range : uids.ranges()) {
    for (auto run = std::ranges::lower_bound(runs_, range.first, {}, &Run::last);
         run != runs_.end() && run->first <= range.last; ++run) {
      found.add(std::max(range.first, run->first), std::min(range.last, run->last));
    }
  }
  return found;
}

imap::SequenceSet UidMap::numbers_of(const imap::SequenceSet& uids) const {
  imap::SequenceSet numbers;
  const imap::SequenceSet here = among(uids);
  for (const auto& range : here.ranges()) {
    // A range of UIDs without a gap in it may still lie in several runs only if they touch, which runs never do.
    numbers.add(*number_of(range.first), *number_of(range.last));
  }
  return numbers;
}

imap::SequenceSet UidMap::all() const {
  imap::SequenceSet uids;
  for (const Run& run : runs_) uids.add(run.first, run.last);
  return uids;
}

void UidMap::remove(const imap::SequenceSet& uids, const std::function<void(uint32_t number, uint32_t uid)>& each) {
  const imap::SequenceSet gone = among(uids);
  if (gone.empty()) return;
  uint32_t removed = 0;
  for (const auto& range : gone.ranges()) {
    const uint32_t number = *number_of(range.first);
    for (uint32_t uid = range.first;; ++uid) {
      each(number - removed, uid);
      if (uid == range.last) break;
    }
    removed += range.last - range.first + 1;
  }
  const std::vector<Run> old = std::exchange(runs_, {});
  auto range = gone.ranges().begin();
  for (const Run& run : old) {
    uint32_t first = run.first;
    for (; range != gone.ranges().end() && range->first <= run.last; ++range) {
      if (range->first > first) append_run(first, range->first - 1);
      first = range->last + 1;
    }
    if (first != 0 && first <= run.last) append_run(first, run.last);
  }
}

}  // namespace libsync::server

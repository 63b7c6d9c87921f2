#include "libsync/imap/sequence_set.h"

#include <algorithm>

#include "libsync/base/text.h"

namespace libsync::imap {

void SequenceSet::add(uint32_t first, uint32_t last) {
  if (first > last) std::swap(first, last);
  if (!ranges_.empty()) {
    Range& back = ranges_.back();
    // Sets mostly come in ascending order: then nothing needs to be sorted.
    if (sorted_ && first > back.first && first <= uint64_t{back.last} + 1) {
      back.last = std::max(back.last, last);
      return;
    }
    if (first <= back.last) sorted_ = false;
  }
  ranges_.push_back({first, last});
}

void SequenceSet::settle() const {
  if (sorted_) return;
  std::ranges::sort(ranges_, {}, &Range::first);
  size_t kept = 0;
  for (size_t i = 1; i < ranges_.size(); ++i) {
    if (ranges_[i].first <= uint64_t{ranges_[kept].last} + 1) {
      ranges_[kept].last = std::max(ranges_[kept].last, ranges_[i].last);
    } else {
      ranges_[++kept] = ranges_[i];
    }
  }
  ranges_.resize(kept + 1);
  sorted_ = true;
}

const std::vector<SequenceSet::Range>& SequenceSet::ranges() const& {
  settle();
  return ranges_;
}

uint64_t SequenceSet::count() const {
  uint64_t n = 0;
  for (const Range& range : ranges()) n += uint64_t{range.last} - range.first + 1;
  return n;
}

bool SequenceSet::contains(uint32_t number) const {
  const auto& all = ranges();
  const auto next = std::ranges::upper_bound(all, number, {}, &Range::first);
  return next != all.begin() && std::prev(next)->last >= number;
}

void SequenceSet::cut(uint32_t last) {
  settle();
  while (!ranges_.empty() && ranges_.back().first > last) ranges_.pop_back();
  if (!ranges_.empty()) ranges_.back().last = std::min(ranges_.back().last, last);
}

std::string SequenceSet::text() const {
  std::string out;
  for (const Range& range : ranges()) {
    if (!out.empty()) out += ',';
    out += std::to_string(range.first);
    if (range.last != range.first) out += ':' + std::to_string(range.last);
  }
  return out;
}

namespace {

std::optional<uint32_t> number32(std::string_view text) {
  const auto value = parse_u64(text);
  if (!value || *value > UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(*value);
}

}  // namespace

std::optional<SequenceSet> SequenceSet::parse(std::string_view text, Quirks& quirks) {
  SequenceSet set;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view member = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    if (member.empty() || (comma != std::string_view::npos && text.empty())) quirks.note(Quirk::OddSet);
    if (member.empty()) continue;
    const size_t colon = member.find(':');
    const auto first = number32(member.substr(0, colon));
    const auto last = colon == std::string_view::npos ? first : number32(member.substr(colon + 1));
    if (!first || !last) return std::nullopt;
    if (*first != 0 && *last != 0) {
      set.add(*first, *last);
      continue;
    }
    quirks.note(Quirk::OddSet);
    // "0:5" is 1 to 5 for whoever wrote it; "0" alone is nothing.
    if (*first != *last) set.add(1, std::max(*first, *last));
  }
  return set;
}

std::optional<std::vector<uint32_t>> numbers_in_order(std::string_view set, size_t most) {
  std::vector<uint32_t> numbers;
  while (true) {
    const size_t comma = set.find(',');
    const std::string_view member = set.substr(0, comma);
    const size_t colon = member.find(':');
    const auto first = number32(member.substr(0, colon));
    const auto last = colon == std::string_view::npos ? first : number32(member.substr(colon + 1));
    if (!first || !last || *first == 0 || *last == 0) return std::nullopt;
    const uint64_t low = std::min(*first, *last), high = std::max(*first, *last);
    if (high - low >= most - std::min(most, numbers.size())) return std::nullopt;
    for (uint64_t number = low; number <= high; ++number) numbers.push_back(static_cast<uint32_t>(number));
    if (comma == std::string_view::npos) return numbers;
    set.remove_prefix(comma + 1);
  }
}

}  // namespace libsync::imap

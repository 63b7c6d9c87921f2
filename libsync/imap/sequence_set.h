// Sets of UIDs or message numbers as ranges (RFC 9051, section 9: sequence-set): "1:4294967295" costs
// as little as "1".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/imap/quirks.h"

namespace libsync::imap {

class SequenceSet {
 public:
  struct Range {
    uint32_t first = 0, last = 0;
    bool operator==(const Range&) const = default;
  };

  SequenceSet() = default;
  void add(uint32_t number) { add(number, number); }
  void add(uint32_t first, uint32_t last);  // in any order
  // Ascending, disjoint, not adjacent.
  const std::vector<Range>& ranges() const&;
  void ranges() const&& = delete;  // `for (… : set().ranges())` would outlive its set
  uint64_t count() const;
  bool empty() const { return ranges_.empty(); }
  bool contains(uint32_t number) const;
  void clear() { ranges_.clear(), sorted_ = true; }
  // Numbers above `last` go.
  void cut(uint32_t last);
  std::string text() const;

  // The first range is the smaller one: "4:2" is "2:4". Zero, empty members and a trailing comma are passed over
  // with Quirk::OddSet; anything else that is no number, or '*', fails.
  static std::optional<SequenceSet> parse(std::string_view text, Quirks& quirks);

 private:
  void settle() const;
  mutable std::vector<Range> ranges_;
  mutable bool sorted_ = true;
};

// The numbers of a set one by one, in the order that it names them, as APPENDUID and COPYUID do (RFC 4315, section 3).
// Nothing for a set that the grammar does not have, zero, '*', or more than `most` numbers.
std::optional<std::vector<uint32_t>> numbers_in_order(std::string_view set, size_t most);

}  // namespace libsync::imap

// The messages of a mailbox as a session numbers them (RFC 9051, section 2.3.1.2): message sequence numbers to UIDs and
// back, kept as runs, so that a mailbox without gaps costs as little as an empty one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "libsync/imap/sequence_set.h"

namespace libsync::server {

class UidMap {
 public:
  UidMap() = default;
  explicit UidMap(const imap::SequenceSet& uids);

  uint32_t count() const { return runs_.empty() ? 0 : runs_.back().before + runs_.back().length(); }
  uint32_t last_uid() const { return runs_.empty() ? 0 : runs_.back().last; }  // 0: none
  std::optional<uint32_t> number_of(uint32_t uid) const;
  bool contains(uint32_t uid) const { return number_of(uid).has_value(); }
  uint32_t uid_at(uint32_t number) const;  // number: 1 to count()

  // Of these message numbers; such as are beyond the last are passed over.
  imap::SequenceSet uids_of(const imap::SequenceSet& numbers) const;
  imap::SequenceSet numbers_of(const imap::SequenceSet& uids) const;
  // Those of them that are here.
  imap::SequenceSet among(const imap::SequenceSet& uids) const;
  imap::SequenceSet all() const;

  void append(uint32_t uid);  // larger than all
  // Takes out those of them that are here, and tells the number that each has at its turn: as EXPUNGE says it.
  void remove(const imap::SequenceSet& uids, const std::function<void(uint32_t number, uint32_t uid)>& each);

 private:
  struct Run {
    uint32_t first = 0, last = 0;
    uint32_t before = 0;  // messages before it
    uint32_t length() const { return last - first + 1; }
  };
  void append_run(uint32_t first, uint32_t last);
  std::vector<Run> runs_;
};

}  // namespace libsync::server

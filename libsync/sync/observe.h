// Observation: what a replica's changes() shows, written into the link together with its cursor.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "libsync/sync/link.h"
#include "libsync/sync/plan.h"

namespace libsync::sync {

// The pairs of a link in memory, with the ways to find them. One thread at a time.
class PairBook {
 public:
  // Reads the pairs from the link.
  Status load(Link& link);
  std::vector<Pair>& all() { return pairs_; }
  Pair* find(PairId id);
  Pair* find_box(Side side, const BoxId& box);
  Pair* find_path(Side side, const Path& path);
  // Writes the pair to the link, a new one gets its id. The reference is valid until the next add().
  Result<Pair*> add(Link& link, Pair pair);
  Status drop(Link& link, PairId id);

  // What both sides said they can store, as far as they may be written to; everything before they were asked.
  FlagMask mask(PairId id, const Policy& policy) const;
  // This side keeps no flags at all (POP3): none take part in any mailbox.
  void set_flagless(Side side) { flagless_[index(side)] = true; }

 private:
  std::vector<Pair> pairs_;
  std::array<bool, 2> flagless_{};
};

// Writes one side's changes into the link. What is seen goes in as it comes, in short transactions, so that
// nobody waits for the network with the database locked; what is gone goes in last, with the cursor. A look
// that is cut short leaves the old cursor, and rows that the next look finds as they are.
//
// A mailbox known to be missing is only noted: the engine first asks whether it was renamed.
// What looks wrong never deletes: when a full look saw another number of messages than the replica
// says exist, absences are passed over and the cursor is not kept, so that the next run looks again. A key
// that stands for a message of another size or date than before is in doubt: its octets are read again.
class Observer final : public ChangeSink {
 public:
  Observer(Side side, Link& link, PairBook& book, const PlanContext& context, uint64_t look)
      : side_(side), link_(link), book_(book), context_(context), look_(look) {}

  Status open(const BoxId& box, const BoxState& state) override;
  Status seen(const MsgRef& ref, const Facts& facts) override;
  Status vanished(const BoxId& box, uint64_t epoch, const Key& key) override;
  Status present(const BoxId& box, std::span<const KeyRange> ranges) override;
  Status close(const BoxId& box, std::string_view next, uint64_t exists) override;
  Status missing(const BoxId& box) override;
  // One mailbox that can't be read doesn't stop the others.
  Status unreadable(const BoxId& box, const Error& error) override;

  const std::vector<PairId>& missing_pairs() const { return missing_; }
  // Mailboxes whose count did not fit: looked at again, whole, by the next run.
  const std::vector<PairId>& doubtful_pairs() const { return doubtful_; }
  void forget_doubts() { doubtful_.clear(); }  // before a second look at them
  // Mailboxes that the replica could not read, with its words: nothing is concluded from them.
  const std::vector<std::pair<PairId, Error>>& unreadable_pairs() const { return unreadable_; }
  // Messages put there by this program of which the side counts other octets than were expected: they have no print.
  const std::vector<RowId>& resized() const { return resized_; }
  uint64_t fresh() const { return fresh_; }  // messages not known before
  uint64_t gone() const { return gone_; }    // messages known that are no more

 private:
  struct Seen {
    Key key;
    Facts facts;
  };
  Status take_mask(Pair::End& end, const BoxState& state);
  Status settle_anew();
  Status flush();
  Status write(const Seen& seen);
  Status insert_fresh(const Seen& seen);
  Status update_known(Row row, const Facts& facts);
  bool learn(Row& row, const Facts& facts);
  // What is gone, by the look that ends; false: the count does not fit, and nothing of it is believed.
  Result<bool> write_absences(uint64_t exists);
  Result<uint64_t> vanish(const Key& key);
  Status suspect_absences();

  Side side_;
  Link& link_;
  PairBook& book_;
  const PlanContext& context_;
  uint64_t look_;
  Pair* pair_ = nullptr;  // the mailbox that is open
  bool full_ = false;
  bool rewound_ = false;
  bool was_empty_ = false;
  std::vector<Seen> seen_;  // not written yet
  KeySet seen_keys_;
  std::vector<Key> vanished_;
  std::optional<KeySet> present_;
  std::vector<PairId> missing_;
  std::vector<RowId> resized_;
  std::vector<PairId> doubtful_;
  std::vector<std::pair<PairId, Error>> unreadable_;
  uint64_t fresh_ = 0;
  uint64_t gone_ = 0;
};

}  // namespace libsync::sync

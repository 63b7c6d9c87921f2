#include "libsync/sync/observe.h"

#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::sync {
namespace {

constexpr size_t kSeenAtOnce = 2000;  // messages written to the link in one transaction

}  // namespace

Status PairBook::load(Link& link) {
  TB_ASSIGN(pairs_, link.pairs());
  return {};
}

Pair* PairBook::find(PairId id) {
  const auto found = std::ranges::find(pairs_, id, &Pair::id);
  return found == pairs_.end() ? nullptr : &*found;
}

Pair* PairBook::find_box(Side side, const BoxId& box) {
  const auto found = std::ranges::find_if(pairs_, [&](const Pair& p) { return p.at(side).box == box; });
  return found == pairs_.end() || box.empty() ? nullptr : &*found;
}

Pair* PairBook::find_path(Side side, const Path& path) {
  const auto found = std::ranges::find_if(pairs_, [&](const Pair& p) { return p.at(side).path == path; });
  return found == pairs_.end() ? nullptr : &*found;
}

Result<Pair*> PairBook::add(Link& link, Pair pair) {
  TB_ASSIGN(pair.id, link.put(pair));
  pairs_.push_back(std::move(pair));
  return &pairs_.back();
}

Status PairBook::drop(Link& link, PairId id) {
  TB_TRY(link.drop_pair(id));
  std::erase_if(pairs_, [&](const Pair& p) { return p.id == id; });
  return {};
}

FlagMask PairBook::mask(PairId id, const Policy& policy) const {
  if (flagless_[0] || flagless_[1]) return {};
  FlagMask all{.system = kAllSystemFlags, .any_keyword = true};
  const auto pair = std::ranges::find(pairs_, id, &Pair::id);
  if (pair == pairs_.end()) return all;
  for (const Side side : {Side::A, Side::B}) {
    const auto& mask = pair->at(side).mask;
    if (!policy.on(side).flags || !mask) continue;
    all.system &= mask->system;
    if (mask->any_keyword) continue;
    if (all.any_keyword) {
      all.any_keyword = false;
      all.keywords = mask->keywords;
    } else {
      std::erase_if(all.keywords, [&](const std::string& keyword) {
        return std::ranges::none_of(mask->keywords, [&](const std::string& k) { return iequals(k, keyword); });
      });
    }
  }
  return all;
}

Status Observer::open(const BoxId& box, const BoxState& state) {
  pair_ = book_.find_box(side_, box);
  if (pair_ == nullptr) return {};  // a mailbox that takes no part
  Pair::End& end = pair_->at(side_);
  if (end.epoch != state.epoch) {
    TB_ASSIGN(auto batch, link_.begin_later());
    if (end.epoch != 0) TB_TRY(link_.unbind(side_, pair_->id));
    end.epoch = state.epoch;
    end.cursor.clear();
    TB_TRY(link_.put(*pair_));
    TB_TRY(batch->commit());
  }
  end.missing = false;
  // Rows that a mask kept as they are want something once it has grown.
  TB_TRY(take_mask(end, state));
  full_ = state.full;
  rewound_ = state.rewound;
  seen_.clear();
  seen_keys_ = {};
  vanished_.clear();
  present_.reset();
  TB_ASSIGN(const bool bound, link_.any_bound(side_, pair_->id));
  was_empty_ = !bound;
  return {};
}

Status Observer::take_mask(Pair::End& end, const BoxState& state) {
  // Of a side that is not written to, what it says of that is for nobody: mailboxes are opened for reading only there.
  if (!context_.policy.on(side_).flags) return {};
  const bool read_only = state.rights.read_only;
  if (end.mask == state.storable && end.read_only == read_only) return {};
  const bool known = end.mask.has_value();
  end.mask = state.storable;
  end.read_only = read_only;
  TB_TRY(link_.put(*pair_));
  return known ? settle_anew() : Status();
}

// What one side may store has changed: what was agreed under the old mask may not be under the new one.
Status Observer::settle_anew() {
  TB_ASSIGN(auto batch, link_.begin_later());
  for (const Side side : {Side::A, Side::B}) {
    RowId after = 0;
    while (true) {
      TB_ASSIGN(auto rows, link_.bound(side, pair_->id, after, kSeenAtOnce));
      if (rows.empty()) break;
      after = rows.back().id;
      for (Row& row : rows) {
        const Row before = row;
        for (Half& half : row.side) half.blocked.reset();
        settle(row, context_);
        if (row.dirty != before.dirty || row.side != before.side || !(row.base == before.base)) TB_TRY(link_.put(row));
      }
    }
  }
  return batch->commit();
}

Status Observer::seen(const MsgRef& ref, const Facts& facts) {
  if (pair_ == nullptr) return {};
  seen_.push_back({ref.key, facts});
  return seen_.size() < kSeenAtOnce ? Status{} : flush();
}

Status Observer::flush() {
  if (seen_.empty()) return {};
  TB_ASSIGN(auto batch, link_.begin_later());
  for (const Seen& each : seen_) TB_TRY(write(each));
  TB_TRY(batch->commit());
  seen_.clear();
  return {};
}

Status Observer::write(const Seen& seen) {
  // A server may speak of a message again while it lists them (another client set a flag).
  const bool repeated = seen.key.number != 0 && seen_keys_.contains(seen.key);
  if (full_ || was_empty_) seen_keys_.add(seen.key);
  if (was_empty_ && !repeated) return insert_fresh(seen);
  TB_ASSIGN(auto known, link_.find(side_, pair_->id, seen.key));
  return known ? update_known(std::move(*known), seen.facts) : insert_fresh(seen);
}

Status Observer::insert_fresh(const Seen& seen) {
  const Facts& facts = seen.facts;
  Row row;
  row.half(side_) = {
      .at = At::Bound, .pair = pair_->id, .key = seen.key, .flags = facts.flags, .instance = facts.instance};
  row.look = look_;
  row.size = facts.size;
  row.date = facts.date;
  row.print = facts.print;
  if (side_ == Side::A) {
    row.object = facts.object;
  } else {
    row.content = facts.object;
  }
  settle(row, context_);
  // It may be one that lost its place, also where it is for nobody else: the plan is made behind that.
  row.dirty = true;
  TB_TRY(link_.put(row));
  ++fresh_;
  return {};
}

Status Observer::update_known(Row row, const Facts& facts) {
  Half& half = row.half(side_);
  // A key may have been given again to other mail: a UIDL by careless servers (RFC 1939, section 7), a UID by one
  // that was restored from a backup.
  const bool other_size = facts.size != 0 && row.size != 0 && facts.size != row.size;
  const bool other_date = facts.date && row.date && *facts.date != *row.date;
  const bool other = side_ == Side::A && row.doubt != Doubt::Unseen && (other_size || other_date);
  const bool same_instance = facts.instance.empty() || half.instance == facts.instance;
  const bool same_flags = !facts.knows_flags || half.flags == facts.flags;
  const bool told_more = learn(row, facts);
  if (!other && !told_more && same_flags && same_instance) return {};
  if (other) {
    if (other_size) row.size = facts.size;
    if (other_date) row.date = facts.date;
    if (!row.content.empty()) row.doubt = Doubt::ReadAgain;
  }
  if (facts.knows_flags) {
    if (half.asked == Asked::Flags) note_taken(row, side_, facts.flags);
    half.flags = facts.flags;
  }
  if (!facts.instance.empty()) half.instance = facts.instance;
  for (Half& each : row.side) each.blocked.reset();  // it changed: what was refused may be asked again
  settle(row, context_);
  TB_TRY(link_.put(row));
  return {};
}

// What a side says of a message for the first time that was put there by this program: it may count other octets, and
// keep another date.
bool Observer::learn(Row& row, const Facts& facts) {
  bool learnt = false;
  if (side_ == Side::B) {
    if (facts.size != 0 && facts.size != row.size_on(Side::B)) {
      row.size_b = facts.size;
      learnt = true;
    }
    if (row.content.empty() && !facts.object.empty()) {
      row.content = facts.object;
      learnt = true;
    }
    return learnt;
  }
  if (row.doubt == Doubt::Unseen) {
    row.doubt = Doubt::None;
    if (facts.date) row.date = facts.date;
    if (facts.size != 0 && facts.size != row.size) {
      row.size_b = row.size_on(Side::B);
      row.size = facts.size;
      row.print.clear();
      resized_.push_back(row.id);
    }
    learnt = true;
  }
  if (row.object.empty() && !facts.object.empty()) {
    row.object = facts.object;
    learnt = true;
  }
  return learnt;
}

Status Observer::vanished(const BoxId&, uint64_t epoch, const Key& key) {
  if (pair_ != nullptr && epoch == pair_->at(side_).epoch) vanished_.push_back(key);
  return {};
}

Status Observer::present(const BoxId&, std::span<const KeyRange> ranges) {
  if (pair_ == nullptr) return {};
  present_.emplace();
  for (const KeyRange& range : ranges) present_->add_range(range.first, range.last);
  return {};
}

Result<uint64_t> Observer::vanish(const Key& key) {
  TB_ASSIGN(auto known, link_.find(side_, pair_->id, key));
  if (!known) return uint64_t{0};
  known->half(side_).at = At::Gone;
  settle(*known, context_);
  TB_TRY(link_.put(*known));
  return uint64_t{1};
}

Result<bool> Observer::write_absences(uint64_t exists) {
  if (full_ && seen_keys_.size() != exists) return false;
  uint64_t gone = 0;
  // Where none was known before, none can be missing.
  if ((full_ && !was_empty_) || present_) {
    TB_ASSIGN(gone, link_.vanish_unseen(side_, pair_->id, full_ ? seen_keys_ : *present_));
    if (rewound_) TB_TRY(suspect_absences());
  }
  for (const Key& key : vanished_) {
    TB_ASSIGN(const uint64_t one, vanish(key));
    gone += one;
  }
  gone_ += gone;
  if (full_) return true;
  TB_ASSIGN(const uint64_t bound, link_.count_bound(side_, pair_->id));
  return bound == exists;
}

// A server that was restored from a backup does not have what came after that: the only copies may be here.
Status Observer::suspect_absences() {
  RowId after = 0;
  while (true) {
    TB_ASSIGN(auto rows, link_.dirty_gone(after, kSeenAtOnce));
    if (rows.empty()) return {};
    after = rows.back().id;
    for (Row& row : rows) {
      const Half& half = row.half(side_);
      if (half.at != At::Gone || half.pair != pair_->id || row.suspect) continue;
      row.suspect = true;
      TB_TRY(link_.put(row));
    }
  }
}

Status Observer::close(const BoxId&, std::string_view next, uint64_t exists) {
  if (pair_ == nullptr) return {};
  TB_TRY(flush());
  TB_ASSIGN(auto batch, link_.begin_later());
  TB_ASSIGN(const bool believable, write_absences(exists));
  if (!believable) {
    doubtful_.push_back(pair_->id);
    batch.reset();
    TB_ASSIGN(batch, link_.begin_later());
  }
  pair_->at(side_).cursor = believable ? std::string(next) : std::string();
  TB_TRY(link_.put(*pair_));
  TB_TRY(batch->commit());
  pair_ = nullptr;
  return {};
}

Status Observer::missing(const BoxId& box) {
  if (const Pair* pair = book_.find_box(side_, box)) missing_.push_back(pair->id);
  return {};
}

Status Observer::unreadable(const BoxId& box, const Error& error) {
  if (const Pair* pair = book_.find_box(side_, box)) unreadable_.emplace_back(pair->id, error);
  return {};
}

}  // namespace libsync::sync

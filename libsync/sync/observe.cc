#include "libsync/sync/observe.h"

#include <algorithm>

#include "libsync/base/words.h"

namespace libsync::sync {

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

void PairBook::set_mask(Side side, PairId id, FlagMask mask) { masks_[{side, id}] = std::move(mask); }

FlagMask PairBook::mask(PairId id, const Policy& policy) const {
  if (flagless_[0] || flagless_[1]) return {};
  FlagMask all{.system = kAllSystemFlags, .any_keyword = true};
  for (const Side side : {Side::A, Side::B}) {
    const auto found = masks_.find({side, id});
    if (!policy.on(side).flags || found == masks_.end()) continue;
    const FlagMask& mask = found->second;
    all.system &= mask.system;
    if (mask.any_keyword) continue;
    if (all.any_keyword) {
      all.any_keyword = false;
      all.keywords = mask.keywords;
    } else {
      std::erase_if(all.keywords,
                    [&](const std::string& k) { return std::ranges::find(mask.keywords, k) == mask.keywords.end(); });
    }
  }
  return all;
}

Status Observer::open(const BoxId& box, const BoxState& state) {
  pair_ = book_.find_box(side_, box);
  if (pair_ == nullptr) return {};  // a mailbox that takes no part
  TB_ASSIGN(batch_, link_.begin());
  before_ = *pair_;
  Pair::End& end = pair_->at(side_);
  if (end.epoch != 0 && end.epoch != state.epoch) TB_TRY(link_.unbind(side_, pair_->id));
  end.epoch = state.epoch;
  end.missing = false;
  book_.set_mask(side_, pair_->id, state.storable);
  full_ = state.full;
  seen_keys_ = {};
  TB_ASSIGN(const uint64_t bound, link_.count_bound(side_, pair_->id));
  was_empty_ = bound == 0;
  return {};
}

Status Observer::seen(const MsgRef& ref, const Facts& facts) {
  if (pair_ == nullptr) return {};
  // A server may speak of a message again while it lists them (another client set a flag).
  const bool repeated = ref.key.number != 0 && seen_keys_.contains(ref.key);
  if (full_ || was_empty_) seen_keys_.add(ref.key);
  if (was_empty_ && !repeated) return insert_fresh(ref, facts);
  TB_ASSIGN(auto known, link_.find(side_, pair_->id, ref.key));
  if (!known) return insert_fresh(ref, facts);
  // A UIDL that names a message of another size was given again to other mail (RFC 1939, section 7
  // forbids it; servers do it).
  const bool renamed = ref.key.number == 0 && facts.size != 0 && known->size != 0 && facts.size != known->size;
  if (!renamed) return update_known(std::move(*known), facts);
  known->half(side_).at = At::Gone;
  settle(*known, context_);
  TB_TRY(link_.put(*known));
  return insert_fresh(ref, facts);
}

Status Observer::insert_fresh(const MsgRef& ref, const Facts& facts) {
  Row row;
  row.half(side_) = {
      .at = At::Bound, .pair = pair_->id, .key = ref.key, .flags = facts.flags, .instance = facts.instance};
  row.size = facts.size;
  row.date = facts.date;
  row.print = facts.print;
  if (side_ == Side::A) {
    row.object = facts.object;
  } else {
    row.content = facts.object;
  }
  settle(row, context_);
  TB_TRY(link_.put(row));
  ++fresh_;
  return {};
}

Status Observer::update_known(Row row, const Facts& facts) {
  Half& half = row.half(side_);
  const bool same_flags = !facts.knows_flags || half.flags == facts.flags;
  if (same_flags && (facts.instance.empty() || half.instance == facts.instance)) return {};
  if (facts.knows_flags) half.flags = facts.flags;
  if (!facts.instance.empty()) half.instance = facts.instance;
  for (Half& each : row.side) each.blocked.clear();  // it changed: what was refused may be asked again
  settle(row, context_);
  ++changed_;
  TB_TRY(link_.put(row));
  return {};
}

Status Observer::vanished(const BoxId&, uint64_t epoch, const Key& key) {
  if (pair_ == nullptr || epoch != pair_->at(side_).epoch) return {};
  TB_ASSIGN(auto known, link_.find(side_, pair_->id, key));
  if (!known) return {};
  known->half(side_).at = At::Gone;
  settle(*known, context_);
  ++changed_;
  TB_TRY(link_.put(*known));
  return {};
}

Status Observer::present(const BoxId&, std::span<const KeyRange> ranges) {
  if (pair_ == nullptr) return {};
  KeySet there;
  for (const KeyRange& range : ranges) there.add_range(range.first, range.last);
  TB_ASSIGN(const uint64_t gone, link_.vanish_unseen(side_, pair_->id, there));
  changed_ += gone;
  return {};
}

Status Observer::close(const BoxId&, std::string_view next, uint64_t exists) {
  if (pair_ == nullptr) return {};
  bool believable = true;
  if (full_) {
    believable = seen_keys_.size() == exists;
    if (believable) {
      TB_ASSIGN(const uint64_t gone, link_.vanish_unseen(side_, pair_->id, seen_keys_));
      changed_ += gone;
    }
  } else {
    TB_ASSIGN(const uint64_t bound, link_.count_bound(side_, pair_->id));
    believable = bound == exists;
  }
  if (!believable) doubtful_.push_back(pair_->id);
  if (!believable && !full_) {
    // What was said to be gone or changed is as doubtful as the count: nothing of it is kept.
    batch_.reset();
    *pair_ = before_;
    TB_ASSIGN(batch_, link_.begin());
  }
  pair_->at(side_).cursor = believable ? std::string(next) : std::string();
  TB_TRY(link_.put(*pair_));
  TB_TRY(batch_->commit());
  batch_.reset();
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

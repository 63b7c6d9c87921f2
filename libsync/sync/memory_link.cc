#include "libsync/sync/memory_link.h"

#include <algorithm>

namespace libsync::sync {
namespace {

constexpr int64_t kSecondsPerDay = 86400;

bool is_loose(const Half& half) {
  return half.at == At::Gone || half.at == At::Unbound || half.asked != Asked::Nothing;
}

}  // namespace

// Within another one it is part of that.
class MemoryLink::Transaction final : public Batch {
 public:
  explicit Transaction(MemoryLink& link) : link_(link) {
    if (link_.depth_++ == 0) link_.undo_ = Undo{.data = {}, .rows = {}, .events = link_.events_.size()};
  }
  ~Transaction() override {
    if (--link_.depth_ > 0) return;
    if (!committed_) link_.roll_back();
    link_.undo_.reset();
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Status commit() override {
    committed_ = true;
    return {};
  }

 private:
  MemoryLink& link_;
  bool committed_ = false;
};

MemoryLink::~MemoryLink() = default;

Result<std::unique_ptr<Link::Batch>> MemoryLink::begin() { return std::make_unique<Transaction>(*this); }

Result<std::unique_ptr<Link>> MemoryLink::copy() {
  auto made = std::make_unique<MemoryLink>();
  made->data_ = data_;
  made->next_row_ = next_row_;
  for (const auto& [id, row] : rows_) made->put_row(row);
  return made;
}

void MemoryLink::roll_back() {
  if (undo_->data) data_ = *std::move(undo_->data);
  auto rows = std::move(undo_->rows);
  events_.resize(std::min(events_.size(), undo_->events));
  undo_.reset();
  for (auto& [id, before] : rows) {
    drop_row(id);
    if (before) put_row(*before);
  }
}

MemoryLink::Data& MemoryLink::change() {
  if (undo_ && !undo_->data) undo_->data = data_;
  return data_;
}

void MemoryLink::remember(RowId id) {
  if (!undo_ || undo_->rows.contains(id)) return;
  const auto found = rows_.find(id);
  undo_->rows.emplace(id, found == rows_.end() ? std::nullopt : std::optional(found->second));
}

void MemoryLink::put_row(const Row& row) {
  drop_row(row.id);
  if (row.dirty) dirty_.insert(row.id);
  for (const Side side : {Side::A, Side::B}) {
    const Half& half = row.half(side);
    if (half.at == At::Bound) at_[index(side)][{half.pair, half.key}] = row.id;
    if (is_loose(half)) loose_[index(side)].insert(row.id);
  }
  rows_[row.id] = row;
}

void MemoryLink::drop_row(RowId id) {
  const auto found = rows_.find(id);
  if (found == rows_.end()) return;
  dirty_.erase(id);
  for (const Side side : {Side::A, Side::B}) {
    const Half& half = found->second.half(side);
    loose_[index(side)].erase(id);
    const auto place = at_[index(side)].find({half.pair, half.key});
    if (place != at_[index(side)].end() && place->second == id) at_[index(side)].erase(place);
  }
  rows_.erase(found);
}

Status MemoryLink::set_identity(Side side, std::string_view identity) {
  change().identity[index(side)] = identity;
  return {};
}

Result<std::vector<Pair>> MemoryLink::pairs() {
  std::vector<Pair> out;
  for (const auto& [id, pair] : data_.pairs) out.push_back(pair);
  return out;
}

Result<PairId> MemoryLink::put(const Pair& pair) {
  Pair copy = pair;
  if (copy.id == 0) copy.id = change().next_pair++;
  const PairId id = copy.id;
  change().pairs[id] = std::move(copy);
  return id;
}

Status MemoryLink::drop_pair(PairId id) {
  change().pairs.erase(id);
  return {};
}

Result<std::optional<Row>> MemoryLink::find(Side side, PairId pair, const Key& key) {
  const auto found = at_[index(side)].find({pair, key});
  if (found == at_[index(side)].end()) return std::nullopt;
  return rows_.at(found->second);
}

Result<std::optional<Row>> MemoryLink::get(RowId id) {
  const auto found = rows_.find(id);
  return found == rows_.end() ? std::nullopt : std::optional(found->second);
}

Result<RowId> MemoryLink::put(const Row& row) {
  if (row.id != 0) {
    if (!rows_.contains(row.id)) return row.id;  // erased
    remember(row.id);
    put_row(row);
    return row.id;
  }
  Row copy = row;
  copy.id = next_row_++;
  remember(copy.id);
  put_row(copy);
  return copy.id;
}

Status MemoryLink::erase(RowId id) {
  remember(id);
  drop_row(id);
  return {};
}

template <class Wanted>
std::vector<Row> MemoryLink::pick(RowId after, size_t limit, Wanted wanted) const {
  std::vector<Row> out;
  for (auto it = rows_.upper_bound(after); it != rows_.end() && out.size() < limit; ++it) {
    if (wanted(it->second)) out.push_back(it->second);
  }
  return out;
}

Result<std::vector<Row>> MemoryLink::dirty(RowId after, size_t limit) {
  std::vector<Row> out;
  for (auto it = dirty_.upper_bound(after); it != dirty_.end() && out.size() < limit; ++it)
    out.push_back(rows_.at(*it));
  return out;
}

Result<std::vector<Row>> MemoryLink::dirty_gone(RowId after, size_t limit) {
  std::vector<Row> out;
  for (auto it = dirty_.upper_bound(after); it != dirty_.end() && out.size() < limit; ++it) {
    const Row& row = rows_.at(*it);
    const bool gone = row.half(Side::A).at == At::Gone || row.half(Side::B).at == At::Gone;
    if (row.agreed && !row.leftover && row.answer != Answer::Accept && gone) out.push_back(row);
  }
  return out;
}

Result<Link::Pending> MemoryLink::pending() {
  Pending out;
  for (const RowId id : dirty_) {
    const Row& row = rows_.at(id);
    if (row.agreed || (row.half(Side::A).at == At::Bound) == (row.half(Side::B).at == At::Bound)) continue;
    ++out.messages;
    out.octets += row.size;
  }
  return out;
}

Result<std::vector<Row>> MemoryLink::bound(Side side, PairId pair, RowId after, size_t limit) {
  return pick(after, limit,
              [&](const Row& row) { return row.half(side).at == At::Bound && row.half(side).pair == pair; });
}

Result<uint64_t> MemoryLink::count_bound(Side side, PairId pair) {
  uint64_t count = 0;
  const auto& at = at_[index(side)];
  for (auto it = at.lower_bound({pair, Key{}}); it != at.end() && it->first.first == pair; ++it) ++count;
  return count;
}

Result<bool> MemoryLink::any_bound(Side side, PairId pair) {
  const auto first = at_[index(side)].lower_bound({pair, Key{}});
  return first != at_[index(side)].end() && first->first.first == pair;
}

Result<std::vector<Row>> MemoryLink::doubtful(Doubt doubt, RowId after, size_t limit) {
  return pick(after, limit, [&](const Row& row) { return row.doubt == doubt && row.half(Side::A).at == At::Bound; });
}

Result<std::vector<Row>> MemoryLink::holding(std::span<const Id> contents, RowId after, size_t limit) {
  return pick(after, limit, [&](const Row& row) {
    return row.half(Side::A).at == At::Bound && std::ranges::find(contents, row.content) != contents.end();
  });
}

Result<std::vector<Row>> MemoryLink::lost(Side side, uint64_t size, size_t limit) {
  std::vector<Row> out;
  for (const RowId id : loose_[index(side)]) {
    if (out.size() >= limit) break;
    const Row& row = rows_.at(id);
    if (row.size_on(side) == size) out.push_back(row);
  }
  return out;
}

Result<bool> MemoryLink::any_lost(Side side) { return !loose_[index(side)].empty(); }

Result<std::vector<Row>> MemoryLink::asked(Side side, RowId after, size_t limit) {
  std::vector<Row> out;
  const auto& loose = loose_[index(side)];
  for (auto it = loose.upper_bound(after); it != loose.end() && out.size() < limit; ++it) {
    const Row& row = rows_.at(*it);
    if (row.half(side).asked != Asked::Nothing) out.push_back(row);
  }
  return out;
}

Result<std::vector<Row>> MemoryLink::same_octets(Side side, const Id& object, size_t limit) {
  return pick(0, limit, [&](const Row& row) {
    const Half& half = row.half(side);
    return half.at == At::Bound && half.asked == Asked::Nothing && !row.suspect && !row.leftover &&
           row.object_on(side) == object;
  });
}

Result<uint64_t> MemoryLink::count_agreed(PairId pair) {
  return static_cast<uint64_t>(
      std::ranges::count_if(rows_, [&](const auto& each) { return each.second.agreed && each.second.home == pair; }));
}

Result<uint64_t> MemoryLink::count_suspect() {
  return static_cast<uint64_t>(std::ranges::count_if(dirty_, [&](RowId id) {
    const Row& row = rows_.at(id);
    const bool never_seen = row.doubt == Doubt::Unseen && row.half(Side::A).at == At::Gone;
    if (row.answer == Answer::Unlink) return false;
    return row.suspect || never_seen || std::ranges::any_of(row.side, [](const Half& half) {
             return half.at == At::Unbound && half.asked == Asked::Nothing;
           });
  }));
}

Status MemoryLink::unbind(Side side, PairId pair) {
  const auto affected = pick(0, SIZE_MAX, [&](const Row& row) { return row.half(side).pair == pair; });
  for (Row row : affected) {
    Half& half = row.half(side);
    // What was never brought is simply listed again; what was gone already has no key any more, so that no new message
    // of the same number is taken for it.
    if (half.at == At::Bound && !row.agreed && row.half(other(side)).at == At::Absent) {
      TB_TRY(erase(row.id));
      continue;
    }
    if (half.at != At::Bound && half.at != At::Gone) continue;
    half.key = {};
    if (half.at == At::Bound) {
      half.at = At::Unbound;
      row.dirty = true;
    }
    TB_TRY(put(row));
  }
  return {};
}

Result<uint64_t> MemoryLink::vanish_unseen(Side side, PairId pair, const KeySet& seen) {
  uint64_t count = 0;
  TB_ASSIGN(auto there, bound(side, pair, 0, SIZE_MAX));
  for (Row& row : there) {
    Half& half = row.half(side);
    if (seen.contains(half.key)) continue;
    half.at = At::Gone;
    row.dirty = true;
    TB_TRY(put(row));
    ++count;
  }
  return count;
}

Status MemoryLink::set_look(uint64_t number) {
  change().look = number;
  return {};
}

Status MemoryLink::set_turn(Turn turn) {
  change().turn = turn;
  return {};
}

Result<std::vector<Row>> MemoryLink::answered(RowId after, size_t limit) {
  return pick(after, limit, [](const Row& row) { return row.answer != Answer::None; });
}

// For tests: each entry stands by itself.
Status MemoryLink::record(const Event& event) {
  events_.push_back(event);
  events_.back().id = events_.size();
  return {};
}

Result<std::vector<Event>> MemoryLink::events(const Id& message, int64_t since, size_t limit) {
  std::vector<Event> out;
  for (auto it = events_.rbegin(); it != events_.rend() && out.size() < limit; ++it) {
    if (it->time >= since && (message.empty() || it->message == message)) out.push_back(*it);
  }
  std::ranges::reverse(out);
  return out;
}

Status MemoryLink::drop_events(int64_t before) {
  std::erase_if(events_, [&](const Event& each) { return each.time < before; });
  return {};
}

Status MemoryLink::record_removals(PairId pair, int64_t unix_seconds, uint64_t count) {
  change().removed[{pair, unix_seconds / kSecondsPerDay}] += count;
  return {};
}

Status MemoryLink::forget_removals() {
  change().removed.clear();
  return {};
}

Result<uint64_t> MemoryLink::removals_since(std::optional<PairId> pair, int64_t unix_seconds) {
  uint64_t sum = 0;
  for (const auto& [key, count] : data_.removed) {
    if (key.second >= unix_seconds / kSecondsPerDay && (!pair || *pair == key.first)) sum += count;
  }
  return sum;
}

}  // namespace libsync::sync

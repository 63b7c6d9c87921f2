// Rebinding: applies resolve() to the link, fetching headers where only they can tell.
#include <map>
#include <set>

#include "libsync/sync/apply.h"
#include "libsync/sync/print.h"
#include "libsync/sync/resolve.h"
#include "libsync/sync/run.h"

namespace libsync::sync {
namespace {

bool is_fresh(const Row& row, Side side) {
  return !row.agreed && row.half(side).at == At::Bound && row.half(other(side)).at == At::Absent;
}

// Gathers headers and turns them into prints.
class HeaderSink final : public MessageSink {
 public:
  explicit HeaderSink(const std::vector<FetchItem>& items) : items_(items), prints(items.size()) {}
  Status begin(uint64_t, uint64_t) override {
    header_.clear();
    return {};
  }
  Status data(std::string_view bytes) override {
    if (header_.size() < kMaxPrintHeader) header_ += bytes.substr(0, kMaxPrintHeader - header_.size());
    return {};
  }
  Status end(uint64_t token) override {
    prints[token] = print_of(std::string_view(header_).substr(0, header_size(header_)), items_[token].size);
    return {};
  }
  // What can't be read stays without a print, and so new: it is fetched, or skipped, as such.
  Status failed(uint64_t, const Error&) override { return {}; }
  void broke_off(uint64_t token) override { broke_off_in = token; }

 private:
  const std::vector<FetchItem>& items_;
  std::string header_;

 public:
  std::vector<Id> prints;
  std::optional<uint64_t> broke_off_in{};
};

class Rebinder {
 public:
  Rebinder(Run& run, Side side) : run_(run), side_(side) {}

  Status run() {
    RowId after = 0;
    while (true) {
      TB_ASSIGN(auto rows, run_.link.dirty(after, kRowsAtOnce));
      if (rows.empty()) break;
      after = rows.back().id;
      for (Row& row : rows) {
        if (is_fresh(row, side_)) TB_TRY(consider(std::move(row)));
      }
    }
    if (fresh_.empty()) return {};
    TB_TRY(bind(resolve(side_, fresh_, lost())));
    if (fresh_.empty() || lost_.empty()) return {};
    TB_TRY(fetch_prints());
    return bind(resolve(side_, fresh_, lost()));
  }

 private:
  // Where something was copied from, in a mailbox that is numbered anew.
  bool is_renumbered(const Row& row) const { return row.leftover && row.half(side_).at == At::Unbound; }

  // Where a move is one step, what is still where it was did not move.
  bool stays(const Row& row) const {
    return row.half(side_).at == At::Bound && run_.replica(side_).capabilities().move;
  }
  // It stays without one on this side: another of the same octets is a message of its own.
  bool is_parted(const Row& row) const { return row.answer == Answer::Unlink && row.half(side_).pair == 0; }

  Status consider(Row row) {
    const auto [known, first_of_size] = any_of_size_.try_emplace(row.size_on(side_), false);
    if (first_of_size) {
      TB_ASSIGN(auto candidates, run_.link.lost(side_, row.size_on(side_), SIZE_MAX));
      // What never was on the other side is nobody's: a message that came and went between two looks.
      std::erase_if(candidates, [&](const Row& each) {
        const bool never = each.half(other(side_)).at == At::Absent && !is_renumbered(each);
        return stays(each) || is_parted(each) || never;
      });
      known->second = !candidates.empty();
      for (Row& candidate : candidates) lost_.try_emplace(candidate.id, std::move(candidate));
    }
    if (known->second) fresh_.push_back(std::move(row));
    return {};
  }

  std::vector<Row> lost() const {
    std::vector<Row> rows;
    for (const auto& [id, row] : lost_) rows.push_back(row);
    return rows;
  }

  Status fetch_prints() {
    std::set<uint64_t> sizes;
    for (const auto& [id, row] : lost_) {
      if (!row.print.empty()) sizes.insert(row.size_on(side_));
    }
    std::vector<Row*> rows;
    for (Row& row : fresh_) {
      // Where the connection ended in the header twice, the message goes for new: known again, or not, by its octets.
      const bool asked = row.print.empty() && sizes.contains(row.size_on(side_)) && row.doubt != Doubt::BrokeOff;
      if (asked) rows.push_back(&row);
    }
    TB_ASSIGN(const auto prints, sync::fetch_prints(run_, side_, rows, Doubt::BrokeOff));
    for (size_t i = 0; i < rows.size(); ++i) rows[i]->print = prints[i];
    return {};
  }

  Status bind(const std::vector<Binding>& bindings) {
    if (bindings.empty()) return {};
    TB_ASSIGN(auto batch, run_.link.begin_later());
    std::map<RowId, Row*> fresh;
    for (Row& row : fresh_) fresh[row.id] = &row;
    for (const Binding& binding : bindings) {
      Row& from = *fresh[binding.fresh];
      Row& known = lost_.at(binding.known);
      known.suspect = false;
      known.inferred = known.inferred || binding.by_print;
      take_over(known, from);
      TB_TRY(run_.link.erase(from.id));
      TB_TRY(arrived(run_, side_, known, from.half(side_)));
      lost_.erase(binding.known);
      from.id = 0;
    }
    std::erase_if(fresh_, [](const Row& row) { return row.id == 0; });
    return batch->commit();
  }

  // What is known of it by the place where it was found.
  void take_over(Row& known, const Row& from) const {
    if (known.half(side_).asked == Asked::Flags) note_taken(known, side_, from.half(side_).flags);
    const Half& half = known.half(side_);
    // The flags that it was sent with are what both sides' changes since are compared with.
    if (half.asked != Asked::Nothing && half.at == At::Unbound && !known.agreed) {
      known.agreed = true;
      known.home = half.pair;
      known.base = masked(half.flags, run_.context.mask(half.pair));
    }
    const uint64_t size_b = side_ == Side::B ? from.size : known.size_on(Side::B);
    if (side_ == Side::A) {
      known.size = from.size;
      if (known.doubt == Doubt::Unseen) known.doubt = Doubt::None;
      if (from.date) known.date = from.date;
      if (!from.object.empty()) known.object = from.object;
    }
    known.size_b = size_b == known.size ? 0 : size_b;
  }

  Run& run_;
  Side side_;
  std::vector<Row> fresh_;
  std::map<RowId, Row> lost_;
  std::map<uint64_t, bool> any_of_size_;  // sizes looked for, and whether anything lost has them
};

}  // namespace

Result<std::vector<Id>> fetch_prints(Run& run, Side side, std::span<Row* const> rows, Doubt ended_in) {
  std::vector<FetchItem> items;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Half& half = rows[i]->half(side);
    const Pair::End& end = run.book.find(half.pair)->at(side);
    items.push_back(
        {.token = i, .ref = {end.box, end.epoch, half.key}, .part = FetchPart::Header, .size = rows[i]->size_on(side)});
  }
  HeaderSink sink(items);
  if (items.empty()) return std::move(sink.prints);
  std::vector<FetchItem> ordered;
  for (const bool last : {false, true}) {
    for (const FetchItem& item : items) {
      if ((rows[item.token]->doubt == Doubt::HeaderBroke) == last) ordered.push_back(item);
    }
  }
  Status status = run.replica(side).fetch(ordered, sink, run.stop);
  if (sink.broke_off_in && side == Side::A) {
    Row& row = *rows[*sink.broke_off_in];
    const bool once = ended_in == Doubt::BrokeOff && row.doubt != Doubt::HeaderBroke;
    TB_TRY(broke_off(run, row, once ? Doubt::HeaderBroke : ended_in));
  }
  TB_TRY(with_end_told(run, std::move(status)));
  return std::move(sink.prints);
}

Status renew_prints(Run& run, std::span<const RowId> ids) {
  std::vector<Row> rows;
  for (const RowId id : ids) {
    TB_ASSIGN(auto row, run.link.get(id));
    if (row && row->half(Side::B).at == At::Bound) rows.push_back(std::move(*row));
  }
  std::vector<Row> as_announced = rows;
  std::vector<Row*> asked;
  for (Row& row : as_announced) {
    row.size_b = 0;
    asked.push_back(&row);
  }
  TB_ASSIGN(const auto prints, fetch_prints(run, Side::B, asked, Doubt::None));
  TB_ASSIGN(auto batch, run.link.begin());
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].print = prints[i];
    TB_TRY(run.link.put(rows[i]));
  }
  return batch->commit();
}

Status rebind(Run& run, Side side) {
  TB_ASSIGN(const bool any, run.link.any_lost(side));
  if (!any) return {};
  return Rebinder(run, side).run();
}

Status release_suspects(Run& run) {
  RowId after = 0;
  TB_ASSIGN(auto batch, run.link.begin_later());
  while (true) {
    TB_ASSIGN(auto rows, run.link.dirty(after, kRowsAtOnce));
    if (rows.empty()) return batch->commit();
    after = rows.back().id;
    for (Row& row : rows) {
      const bool never_seen = row.doubt == Doubt::Unseen && row.half(Side::A).at == At::Gone;
      bool changed = row.suspect || never_seen;
      row.suspect = false;
      if (never_seen) row.doubt = Doubt::None;
      for (Half& half : row.side) {
        if (half.at != At::Unbound) continue;
        half.at = At::Gone;
        changed = true;
      }
      if (changed) TB_TRY(run.link.put(row));
    }
  }
}

}  // namespace libsync::sync

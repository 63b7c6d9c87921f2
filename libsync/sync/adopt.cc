// Messages that are new on both sides, in one mailbox, and the same: linked, not carried over. A store filled by hand,
// a server that another program mirrored, two stores of one account that both had a message before.
#include <algorithm>
#include <map>
#include <set>

#include "libsync/sync/apply.h"
#include "libsync/sync/octet_counter.h"
#include "libsync/sync/print.h"

namespace libsync::sync {
namespace {

bool is_new(const Row& row, Side side) {
  return !row.agreed && !row.suspect && row.half(side).at == At::Bound && row.half(other(side)).at == At::Absent;
}

using Place = std::pair<PairId, uint64_t>;  // mailbox and size, as side A counts
Place place(const Row& row, Side side) { return {row.half(side).pair, row.size}; }

// Octets as a server counts them that has CRLF for LF, and the print that goes with those.
class Count final : public MessageSink {
 public:
  explicit Count(std::span<Row* const> rows) : rows_(rows) {}
  Status begin(uint64_t, uint64_t) override {
    counter_ = {};
    print_ = {};
    return {};
  }
  Status data(std::string_view bytes) override {
    counter_.update(bytes);
    print_.update(bytes);
    return {};
  }
  Status end(uint64_t token) override {
    Row& row = *rows_[token];
    if (counter_.count() == row.size) return {};
    row.size_b = row.size;
    row.size = counter_.count();
    row.print = print_.finish(row.size);
    return {};
  }
  Status failed(uint64_t, const Error&) override { return {}; }

 private:
  std::span<Row* const> rows_;
  OctetCounter counter_{};
  PrintBuilder print_{};
};

class Adopter {
 public:
  explicit Adopter(Run& run) : run_(run) {}

  Status run() {
    // In a mirror what is new on side B is for nobody but it.
    if (!run_.context.policy.on(Side::A).add) return {};
    TB_TRY(gather());
    if (rows_[0].empty()) return {};
    TB_TRY(match([](const Row& row, Side side) { return row.object_on(side); }, false));
    TB_TRY(fetch_prints());
    return match([](const Row& row, Side) { return row.print; }, true);
  }

 private:
  // Rows of each side for which the other has one of that size in the same mailbox. Those of side B first, which are
  // few: a first sync has all of the server's.
  Status gather() {
    TB_TRY(for_each_new(Side::B, [&](Row& row) { rows_[1].push_back(std::move(row)); }));
    if (rows_[1].empty()) return {};
    std::set<PairId> boxes;
    for (const Row& row : rows_[1]) boxes.insert(row.half(Side::B).pair);
    std::set<Place> there;
    TB_TRY(for_each_new(Side::A, [&](const Row& row) {
      if (boxes.contains(row.half(Side::A).pair)) there.insert(place(row, Side::A));
    }));
    if (run_.a.capabilities().crlf) TB_TRY(count_octets(there));
    std::erase_if(rows_[1], [&](const Row& row) { return !there.contains(place(row, Side::B)); });
    if (rows_[1].empty()) return {};
    std::set<Place> here;
    for (const Row& row : rows_[1]) here.insert(place(row, Side::B));
    return for_each_new(Side::A, [&](Row& row) {
      if (here.contains(place(row, Side::A))) rows_[0].push_back(std::move(row));
    });
  }

  // Messages with bare LF are larger there: read where no other size is the one that is looked for.
  Status count_octets(const std::set<Place>& there) {
    std::vector<Row*> asked;
    std::vector<FetchItem> items;
    for (Row& row : rows_[1]) {
      const auto near = there.lower_bound(place(row, Side::B));
      const bool larger = near != there.end() && near->first == row.half(Side::B).pair && near->second > row.size;
      if (row.size_b != 0 || !larger) continue;
      const Pair::End& end = run_.book.find(row.half(Side::B).pair)->at(Side::B);
      items.push_back({.token = asked.size(), .ref = {end.box, end.epoch, row.half(Side::B).key}, .size = row.size});
      asked.push_back(&row);
    }
    Count count(asked);
    return items.empty() ? Status() : run_.b.fetch(items, count, run_.stop);
  }

  template <class Take>
  Status for_each_new(Side side, Take take) {
    RowId after = 0;
    while (true) {
      TB_ASSIGN(auto rows, run_.link.dirty(after, kRowsAtOnce));
      if (rows.empty()) return {};
      after = rows.back().id;
      for (Row& row : rows) {
        if (is_new(row, side)) take(row);
      }
    }
  }

  Status fetch_prints() {
    for (const Side side : {Side::A, Side::B}) {
      std::vector<Row*> asked;
      for (Row& row : rows_[index(side)]) {
        if (row.print.empty() && row.doubt != Doubt::BrokeOff) asked.push_back(&row);
      }
      TB_ASSIGN(const auto prints, sync::fetch_prints(run_, side, asked, Doubt::BrokeOff));
      for (size_t i = 0; i < asked.size(); ++i) asked[i]->print = prints[i];
    }
    return {};
  }

  // Those of one name in one mailbox, in order, if there are as many on either side.
  template <class IdOf>
  Status match(IdOf id, bool by_print) {
    std::array<std::map<std::pair<PairId, Id>, std::vector<Row*>>, 2> groups;
    for (const Side side : {Side::A, Side::B}) {
      for (Row& row : rows_[index(side)]) {
        const Id& name = id(row, side);
        if (!name.empty()) groups[index(side)][{row.half(side).pair, name}].push_back(&row);
      }
    }
    TB_ASSIGN(auto batch, run_.link.begin_later());
    for (auto& [name, on_a] : groups[0]) {
      const auto found = groups[1].find(name);
      if (found == groups[1].end() || (by_print && found->second.size() != on_a.size())) continue;
      const size_t count = std::min(on_a.size(), found->second.size());
      for (size_t i = 0; i < count; ++i) TB_TRY(join(*on_a[i], *found->second[i], by_print));
    }
    for (auto& rows : rows_) std::erase_if(rows, [](const Row& row) { return row.id == 0; });
    return batch->commit();
  }

  Status join(Row& a, Row& b, bool by_print) {
    b.half(Side::A) = a.half(Side::A);
    const uint64_t size_b = b.size_on(Side::B);
    b.size_b = size_b == a.size ? 0 : size_b;
    b.size = a.size;
    if (a.date) b.date = a.date;
    b.object = a.object;
    b.inferred = by_print;
    TB_TRY(run_.link.erase(a.id));
    TB_TRY(save(run_, b));
    a.id = b.id = 0;
    return {};
  }

  Run& run_;
  std::array<std::vector<Row>, 2> rows_;
};

}  // namespace

Status adopt(Run& run) { return Adopter(run).run(); }

}  // namespace libsync::sync

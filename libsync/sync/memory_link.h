// A link in memory, gone with the process: for models and tests, and wherever two replicas are compared once.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libsync/sync/link.h"

namespace libsync::sync {

// One thread at a time. The only errors are Errc::NotFound for what is replaced and not there.
class MemoryLink : public Link {
 public:
  MemoryLink() = default;
  ~MemoryLink() override;

  Result<std::unique_ptr<Batch>> begin() override;
  Result<std::unique_ptr<Link>> copy() override;

  Result<std::string> identity(Side side) override { return data_.identity[index(side)]; }
  Status set_identity(Side side, std::string_view identity) override;

  Result<std::vector<Pair>> pairs() override;
  Result<PairId> put(const Pair& pair) override;
  Status drop_pair(PairId id) override;

  Result<std::optional<Row>> find(Side side, PairId pair, const Key& key) override;
  Result<std::optional<Row>> get(RowId id) override;
  Result<RowId> put(const Row& row) override;
  Status erase(RowId id) override;

  Result<std::vector<Row>> dirty(RowId after, size_t limit) override;
  Result<std::vector<Row>> dirty_gone(RowId after, size_t limit) override;
  Result<Pending> pending() override;
  Result<std::vector<Row>> bound(Side side, PairId pair, RowId after, size_t limit) override;
  Result<uint64_t> count_bound(Side side, PairId pair) override;
  Result<bool> any_bound(Side side, PairId pair) override;
  Result<std::vector<Row>> doubtful(Doubt doubt, RowId after, size_t limit) override;
  Result<std::vector<Row>> holding(std::span<const Id> contents, RowId after, size_t limit) override;
  Result<std::vector<Row>> lost(Side side, uint64_t size, size_t limit) override;
  Result<bool> any_lost(Side side) override;
  Result<std::vector<Row>> asked(Side side, RowId after, size_t limit) override;
  Result<std::vector<Row>> same_octets(Side side, const Id& object, size_t limit) override;
  Status index_contents() override { return {}; }
  Result<uint64_t> count_agreed(PairId pair) override;
  Result<uint64_t> count_suspect() override;

  Status unbind(Side side, PairId pair) override;
  Result<uint64_t> vanish_unseen(Side side, PairId pair, const KeySet& seen) override;

  Result<uint64_t> look() override { return data_.look; }
  Status set_look(uint64_t number) override;
  Result<Turn> turn() override { return data_.turn; }
  Status set_turn(Turn turn) override;

  Result<std::vector<Row>> answered(RowId after, size_t limit) override;

  Status record(const Event& event) override;
  Result<std::vector<Event>> events(const Id& message, int64_t since, size_t limit) override;
  Status drop_events(int64_t before) override;

  Status record_removals(PairId pair, int64_t unix_seconds, uint64_t count) override;
  Status forget_removals() override;
  Result<uint64_t> removals_since(std::optional<PairId> pair, int64_t unix_seconds) override;

 private:
  class Transaction;
  using Place = std::pair<PairId, Key>;
  struct Data {
    std::array<std::string, 2> identity{};
    Turn turn{};
    uint64_t look = 0;
    PairId next_pair = 1;
    std::map<PairId, Pair> pairs{};
    std::map<std::pair<PairId, int64_t>, uint64_t> removed{};  // by pair and day
  };
  // What a transaction would have to put back.
  struct Undo {
    std::optional<Data> data{};  // once something of it changes
    std::map<RowId, std::optional<Row>> rows{};
    size_t events = 0;  // how many there were
  };

  void put_row(const Row& row);  // with the index
  void drop_row(RowId id);
  void remember(RowId id);
  Data& change();
  void roll_back();
  template <class Wanted>
  std::vector<Row> pick(RowId after, size_t limit, Wanted wanted) const;

  Data data_;
  RowId next_row_ = 1;
  std::map<RowId, Row> rows_;
  std::set<RowId> dirty_;
  std::vector<Event> events_;
  std::set<RowId> loose_[2];  // Gone, Unbound or asked on that side
  std::map<Place, RowId> at_[2];
  std::optional<Undo> undo_;
  int depth_ = 0;
};

}  // namespace libsync::sync

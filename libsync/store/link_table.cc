#include "libsync/store/link_table.h"

#include <array>
#include <map>
#include <optional>
#include <utility>

#include "libsync/store/link_columns.h"
#include "libsync/store/link_events.h"
#include "libsync/sync/path.h"

namespace libsync::store {
namespace {

using sync::At;
using sync::Key;
using sync::Pair;
using sync::PairId;
using sync::Role;
using sync::Row;
using sync::RowId;
using sync::Side;

constexpr int64_t kSecondsPerDay = 86400;

}  // namespace

Result<uint64_t> count_refused(Db& db) {
  TB_ASSIGN(auto s, db.prepare("SELECT count(*) FROM link_row"
                               " WHERE dirty=1 AND (a_blocked IS NOT NULL OR b_blocked IS NOT NULL)"));
  TB_TRY(s.step());
  return static_cast<uint64_t>(s.integer(0));
}

Result<std::map<sync::PairId, Kept>> count_kept(Db& db) {
  std::map<sync::PairId, Kept> kept;
  TB_ASSIGN(auto s, db.prepare("SELECT a_at=1, a_pair, b_at=1, b_pair, count(*) FROM link_row"
                               " WHERE dirty=0 AND suspect=0 AND (a_at=1 OR b_at=1) AND"
                               " NOT (a_at=1 AND b_at=1 AND a_pair=b_pair AND a_flags=b_flags"
                               " AND coalesce(a_keywords,'')=coalesce(b_keywords,'') COLLATE NOCASE)"
                               " GROUP BY 1, 2, 3, 4"));
  while (true) {
    TB_ASSIGN(const bool more, s.step());
    if (!more) return kept;
    const bool there = s.integer(0) != 0, here = s.integer(2) != 0;
    const sync::PairId a = s.integer(1), b = s.integer(3);
    const auto count = static_cast<uint64_t>(s.integer(4));
    if (there && here && a == b) {
      kept[a].flags += count;
      continue;
    }
    if (there) kept[a].there += count;
    if (here) kept[b].here += count;
  }
}

namespace {

class BatchOnDb final : public sync::Link::Batch {
 public:
  explicit BatchOnDb(Transaction transaction) : transaction_(std::move(transaction)) {}
  Status commit() override { return transaction_.commit(); }

 private:
  Transaction transaction_;
};

// The mailboxes in which a row is bound, by side; 0: in none.
using BoundIn = std::array<PairId, 2>;

// How many rows are bound in mailboxes: to count them takes as long as there are many, and each look wants to know.
class BoundCounts {
 public:
  std::optional<uint64_t> get(Side side, PairId pair) const {
    const auto found = known_[index(side)].find(pair);
    return found == known_[index(side)].end() ? std::nullopt : std::optional(found->second);
  }
  void set(Side side, PairId pair, uint64_t count) { known_[index(side)][pair] = count; }
  void moved(const BoundIn& from, const BoundIn& to) {
    for (const Side side : {Side::A, Side::B}) {
      auto& known = known_[index(side)];
      if (const auto left = known.find(from[index(side)]); left != known.end()) --left->second;
      if (const auto joined = known.find(to[index(side)]); joined != known.end()) ++joined->second;
    }
  }
  void forget() { known_ = {}; }
  void forget_undone(uint64_t rollbacks) {
    if (std::exchange(rollbacks_, rollbacks) != rollbacks) forget();
  }

 private:
  std::array<std::map<PairId, uint64_t>, 2> known_{};
  uint64_t rollbacks_ = 0;
};

class LinkTable : public sync::Link {
 public:
  explicit LinkTable(Db& db) : db_(db) {}

  Result<std::unique_ptr<sync::Link>> copy() override;

  Result<std::unique_ptr<Batch>> begin() override {
    TB_ASSIGN(auto transaction, Transaction::begin(db_));
    return std::make_unique<BatchOnDb>(std::move(transaction));
  }
  Result<std::unique_ptr<Batch>> begin_later() override {
    TB_ASSIGN(auto transaction, Transaction::begin_later(db_));
    return std::make_unique<BatchOnDb>(std::move(transaction));
  }

  Result<std::string> identity(Side side) override {
    TB_ASSIGN(auto s, db_.prepare("SELECT identity FROM link_identity WHERE side=?"));
    s.bind(index(side));
    TB_ASSIGN(const bool row, s.step());
    return row ? std::string(s.text(0)) : std::string();
  }

  Status set_identity(Side side, std::string_view identity) override {
    TB_ASSIGN(auto s, db_.prepare("INSERT OR REPLACE INTO link_identity(side, identity) VALUES(?,?)"));
    return s.bind(index(side), identity).run();
  }

  Result<uint64_t> look() override {
    TB_ASSIGN(auto s, db_.prepare("SELECT after FROM link_turn WHERE id=2"));
    TB_ASSIGN(const bool row, s.step());
    return row ? static_cast<uint64_t>(s.integer(0)) : 0;
  }

  Status set_look(uint64_t number) override {
    TB_ASSIGN(auto s, db_.prepare("INSERT OR REPLACE INTO link_turn(id, after, ended) VALUES(2,?,0)"));
    return s.bind(number).run();
  }

  Result<Turn> turn() override {
    TB_ASSIGN(auto s, db_.prepare("SELECT after, ended FROM link_turn WHERE id=1"));
    TB_ASSIGN(const bool row, s.step());
    return row ? Turn{.after = s.integer(0), .ended = static_cast<uint64_t>(s.integer(1))} : Turn{};
  }

  Status set_turn(Turn turn) override {
    TB_ASSIGN(auto s, db_.prepare("INSERT OR REPLACE INTO link_turn(id, after, ended) VALUES(1,?,?)"));
    return s.bind(turn.after, turn.ended).run();
  }

  Result<std::vector<Pair>> pairs() override;
  Result<PairId> put(const Pair& pair) override;

  Status drop_pair(PairId id) override {
    TB_ASSIGN(auto s, db_.prepare("DELETE FROM link_pair WHERE id=?"));
    return s.bind(id).run();
  }

  Result<std::optional<Row>> find(Side side, PairId pair, const Key& key) override {
    const bool named = key.number == 0;
    // A prepared text each: the index has a_name as its last column, and IS is not an equality to it.
    constexpr std::string_view kSql[2][2] = {
        {"SELECT " ROW_COLUMNS " FROM link_row WHERE a_at=1 AND a_pair=?1 AND a_num=?2",
         "SELECT " ROW_COLUMNS " FROM link_row WHERE a_at=1 AND a_pair=?1 AND a_num=?2 AND a_name=?3"},
        {"SELECT " ROW_COLUMNS " FROM link_row WHERE b_at=1 AND b_pair=?1 AND b_num=?2",
         "SELECT " ROW_COLUMNS " FROM link_row WHERE b_at=1 AND b_pair=?1 AND b_num=?2 AND b_name=?3"}};
    TB_ASSIGN(auto s, db_.prepare(kSql[index(side)][named ? 1 : 0]));
    s.bind(pair, key.number);
    if (named) s.bind_at(2, key.name);
    return first(s);
  }

  Result<std::optional<Row>> get(RowId id) override {
    TB_ASSIGN(auto s, db_.prepare("SELECT " ROW_COLUMNS " FROM link_row WHERE id=?"));
    s.bind(id);
    return first(s);
  }

  Result<RowId> put(const Row& row) override {
    if (row.id == 0) {
      TB_TRY(write(kInsertRow, row));
      counts_.moved({}, bound_in(row));
      return db_.last_insert_rowid();
    }
    TB_ASSIGN(const auto before, indexed(row.id));
    if (!before) return row.id;
    TB_TRY(write(update_of(*before, row), row));
    counts_.moved(bound_in(*before), bound_in(row));
    return row.id;
  }

  Status erase(RowId id) override {
    TB_ASSIGN(const auto before, indexed(id));
    TB_ASSIGN(auto s, db_.prepare("DELETE FROM link_row WHERE id=?"));
    TB_TRY(s.bind(id).run());
    if (before) counts_.moved(bound_in(*before), {});
    return {};
  }

  Result<std::vector<Row>> dirty(RowId after, size_t limit) override {
    TB_ASSIGN(auto s, db_.prepare("SELECT " ROW_COLUMNS " FROM link_row WHERE dirty=1 AND id>? ORDER BY id LIMIT ?"));
    s.bind(after, limit);
    return all(s);
  }

  Result<std::vector<Row>> dirty_gone(RowId after, size_t limit) override {
    TB_ASSIGN(auto s, db_.prepare("SELECT " ROW_COLUMNS " FROM link_row WHERE dirty=1 AND agreed=1 AND leftover=0"
                                  " AND answer<>1 AND (a_at=3 OR b_at=3)"
                                  " AND id>? ORDER BY id LIMIT ?"));
    s.bind(after, limit);
    return all(s);
  }

  Result<Pending> pending() override {
    TB_ASSIGN(
        auto s,
        db_.prepare("SELECT count(*), CAST(min(total(size),9e18) AS INTEGER) FROM link_row WHERE dirty=1 AND agreed=0"
                    " AND (a_at=1) != (b_at=1)"));
    TB_TRY(s.step());
    return Pending{static_cast<uint64_t>(s.integer(0)), static_cast<uint64_t>(s.integer(1))};
  }

  Result<std::vector<Row>> bound(Side side, PairId pair, RowId after, size_t limit) override {
    TB_ASSIGN(auto s,
              db_.prepare(side == Side::A ? "SELECT " ROW_COLUMNS
                                            " FROM link_row WHERE a_at=1 AND a_pair=? AND id>? ORDER BY id LIMIT ?"
                                          : "SELECT " ROW_COLUMNS
                                            " FROM link_row WHERE b_at=1 AND b_pair=? AND id>? ORDER BY id LIMIT ?"));
    s.bind(pair, after, limit);
    return all(s);
  }

  Result<std::vector<Row>> doubtful(sync::Doubt doubt, RowId after, size_t limit) override {
    TB_ASSIGN(auto s, db_.prepare("SELECT " ROW_COLUMNS " FROM link_row WHERE doubt IN (1, 4) AND doubt=? AND a_at=1"
                                  " AND id>? ORDER BY id LIMIT ?"));
    s.bind(static_cast<int>(doubt), after, limit);
    return all(s);
  }

  Result<std::vector<Row>> holding(std::span<const sync::Id> contents, RowId after, size_t limit) override {
    std::string list;
    for (const sync::Id& content : contents) list += (list.empty() ? "[\"" : "\",\"") + content;
    list += list.empty() ? "[]" : "\"]";
    // One pass over the table, and only when something is damaged: that needs no index.
    TB_ASSIGN(auto s, db_.prepare("SELECT " ROW_COLUMNS " FROM link_row WHERE a_at=1 AND id>?2"
                                  " AND content IN (SELECT value FROM json_each(?1)) ORDER BY id LIMIT ?3"));
    s.bind(list, after, limit);
    return all(s);
  }

  Result<uint64_t> count_bound(Side side, PairId pair) override {
    counts_.forget_undone(db_.rollbacks());
    if (const auto known = counts_.get(side, pair)) return *known;
    TB_ASSIGN(auto s, db_.prepare(side == Side::A ? "SELECT count(*) FROM link_row WHERE a_at=1 AND a_pair=?"
                                                  : "SELECT count(*) FROM link_row WHERE b_at=1 AND b_pair=?"));
    s.bind(pair);
    TB_ASSIGN(const uint64_t counted, count(s));
    counts_.set(side, pair, counted);
    return counted;
  }

  Result<bool> any_bound(Side side, PairId pair) override {
    TB_ASSIGN(auto s, db_.prepare(side == Side::A ? "SELECT 1 FROM link_row WHERE a_at=1 AND a_pair=? LIMIT 1"
                                                  : "SELECT 1 FROM link_row WHERE b_at=1 AND b_pair=? LIMIT 1"));
    s.bind(pair);
    return s.step();
  }

  Result<std::vector<Row>> lost(Side side, uint64_t size, size_t limit) override {
    TB_ASSIGN(auto s,
              db_.prepare(side == Side::A
                              ? "SELECT " ROW_COLUMNS
                                " FROM link_row WHERE (a_at IN (2, 3) OR a_asked <> 0) AND size=? ORDER BY id LIMIT ?"
                              : "SELECT " ROW_COLUMNS " FROM link_row WHERE (b_at IN (2, 3) OR b_asked <> 0)"
                                " AND CASE size_b WHEN 0 THEN size ELSE size_b END=? ORDER BY id LIMIT ?"));
    s.bind(size, limit);
    return all(s);
  }

  Result<bool> any_lost(Side side) override {
    TB_ASSIGN(auto s,
              db_.prepare(side == Side::A ? "SELECT 1 FROM link_row WHERE a_at IN (2, 3) OR a_asked <> 0 LIMIT 1"
                                          : "SELECT 1 FROM link_row WHERE b_at IN (2, 3) OR b_asked <> 0 LIMIT 1"));
    return s.step();
  }

  Result<std::vector<Row>> asked(Side side, RowId after, size_t limit) override {
    TB_ASSIGN(auto s, db_.prepare(side == Side::A ? "SELECT " ROW_COLUMNS
                                                    " FROM link_row WHERE a_asked <> 0 AND id>? ORDER BY id LIMIT ?"
                                                  : "SELECT " ROW_COLUMNS
                                                    " FROM link_row WHERE b_asked <> 0 AND id>? ORDER BY id LIMIT ?"));
    s.bind(after, limit);
    return all(s);
  }

  Result<std::vector<Row>> same_octets(Side side, const sync::Id& object, size_t limit) override {
    TB_ASSIGN(auto s,
              db_.prepare(side == Side::A
                              ? "SELECT " ROW_COLUMNS
                                " FROM link_row WHERE object=?1 AND a_at=1 AND a_asked=0 AND suspect=0 AND leftover=0"
                                " ORDER BY id LIMIT ?2"
                              : "SELECT " ROW_COLUMNS " FROM link_row WHERE content IS NOT NULL"
                                " AND substr(content, 8, 12)=substr(?1, 8, 12) AND +content=?1"
                                " AND b_at=1 AND b_asked=0 AND suspect=0 AND leftover=0 ORDER BY id LIMIT ?2"));
    s.bind(object, limit);
    return all(s);
  }

  Status index_contents() override { return index_link_contents(db_); }

  Result<uint64_t> count_agreed(PairId pair) override {
    TB_ASSIGN(auto s, db_.prepare("SELECT count(*) FROM link_row WHERE home=? AND agreed=1"));
    s.bind(pair);
    return count(s);
  }

  Result<uint64_t> count_suspect() override {
    TB_ASSIGN(
        auto s,
        db_.prepare("SELECT count(*) FROM link_row WHERE dirty=1 AND answer<>3 AND (suspect=1 OR (doubt=6 AND a_at=3)"
                    " OR (a_at=2 AND a_asked=0) OR (b_at=2 AND b_asked=0))"));
    return count(s);
  }

  Status unbind(Side side, PairId pair) override {
    counts_.forget();
    // What was never downloaded is simply listed again; what was gone already has no key any more, so that
    // no new message of the same number is taken for it.
    for (const std::string_view sql :
         {side == Side::A ? "DELETE FROM link_row WHERE a_at=1 AND a_pair=? AND agreed=0 AND b_at=0"
                          : "DELETE FROM link_row WHERE b_at=1 AND b_pair=? AND agreed=0 AND a_at=0",
          side == Side::A ? "UPDATE link_row SET a_num=0, a_name=NULL WHERE a_at=3 AND a_pair=?"
                          : "UPDATE link_row SET b_num=0, b_name=NULL WHERE b_at=3 AND b_pair=?"}) {
      TB_ASSIGN(auto wipe, db_.prepare(sql));
      TB_TRY(wipe.bind(pair).run());
    }
    TB_ASSIGN(auto s,
              db_.prepare(side == Side::A
                              ? "UPDATE link_row SET a_at=2, a_num=0, a_name=NULL, dirty=1 WHERE a_at=1 AND a_pair=?"
                              : "UPDATE link_row SET b_at=2, b_num=0, b_name=NULL, dirty=1 WHERE b_at=1 AND b_pair=?"));
    return s.bind(pair).run();
  }

  Result<uint64_t> vanish_unseen(Side side, PairId pair, const sync::KeySet& seen) override;

  Result<std::vector<Row>> answered(RowId after, size_t limit) override {
    TB_ASSIGN(auto s, db_.prepare("SELECT " ROW_COLUMNS " FROM link_row WHERE answer<>0 AND id>? ORDER BY id LIMIT ?"));
    s.bind(after, limit);
    return all(s);
  }

  Status record(const sync::Event& event) override { return record_event(db_, event); }
  Result<std::vector<sync::Event>> events(const sync::Id& message, int64_t since, size_t limit) override {
    return last_events(db_, message, since, limit);
  }
  Status drop_events(int64_t before) override { return store::drop_events(db_, before); }

  Status record_removals(PairId pair, int64_t unix_seconds, uint64_t removed) override {
    TB_ASSIGN(auto s, db_.prepare("INSERT INTO link_removed(pair, day, count) VALUES(?1,?2,?3)"
                                  " ON CONFLICT(pair, day) DO UPDATE SET count=count+?3"));
    return s.bind(pair, unix_seconds / kSecondsPerDay, removed).run();
  }

  Status forget_removals() override {
    TB_ASSIGN(auto s, db_.prepare("DELETE FROM link_removed"));
    return s.run();
  }

  Result<uint64_t> removals_since(std::optional<PairId> pair, int64_t unix_seconds) override {
    TB_ASSIGN(auto s,
              db_.prepare("SELECT coalesce(sum(count),0) FROM link_removed WHERE day>=?1 AND (?2 IS NULL OR pair=?2)"));
    s.bind(unix_seconds / kSecondsPerDay);
    s.bind_at(1, pair);
    return count(s);
  }

 private:
  static BoundIn bound_in(const Row& row) {
    BoundIn in{};
    for (const Side side : {Side::A, Side::B}) {
      if (row.half(side).at == At::Bound) in[index(side)] = row.half(side).pair;
    }
    return in;
  }
  // As the table has it; nothing where there is no such row.
  Result<std::optional<Row>> indexed(RowId id) {
    TB_ASSIGN(auto s, db_.prepare(kIndexedOfRow));
    s.bind(id);
    TB_ASSIGN(const bool row, s.step());
    if (!row) return std::nullopt;
    return read_indexed(s);
  }
  Status write(std::string_view sql, const Row& row) {
    TB_ASSIGN(auto s, db_.prepare(sql));
    bind_row(s, row);
    return s.run();
  }
  static Result<std::optional<Row>> first(Statement& s) {
    TB_ASSIGN(const bool row, s.step());
    if (!row) return std::nullopt;
    return read_row(s);
  }
  static Result<std::vector<Row>> all(Statement& s) {
    std::vector<Row> rows;
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) return rows;
      rows.push_back(read_row(s));
    }
  }
  static Result<uint64_t> count(Statement& s) {
    TB_TRY(s.step());
    return static_cast<uint64_t>(s.integer(0));
  }

 protected:
  Db& db_;

 private:
  BoundCounts counts_{};
};

// The link's tables once more as temporary tables, which SQLite finds before those of the same name in the database:
// the same statements then read and write these. They are gone with the link, at the latest with the connection.
class LinkCopy final : public LinkTable {
 public:
  explicit LinkCopy(Db& db) : LinkTable(db) {}
  ~LinkCopy() override {
    for (const std::string& name : tables_) (void)db_.exec("DROP TABLE IF EXISTS temp." + name);
  }

  Result<std::unique_ptr<Batch>> begin() override {
    TB_ASSIGN(auto transaction, Transaction::begin_deferred(db_));
    return std::make_unique<BatchOnDb>(std::move(transaction));
  }
  Result<std::unique_ptr<Batch>> begin_later() override { return begin(); }

  Status make() {
    std::vector<std::string> tables, statements;
    {
      TB_ASSIGN(auto s, db_.prepare("SELECT type, name, sql FROM main.sqlite_master WHERE tbl_name LIKE 'link\\_%'"
                                    " ESCAPE '\\' AND sql IS NOT NULL ORDER BY type DESC, name"));
      while (true) {
        TB_ASSIGN(const bool row, s.step());
        if (!row) break;
        const std::string sql(s.text(2));
        const bool table = s.text(0) == "table";
        const std::string_view before = table ? "CREATE TABLE " : "CREATE INDEX ";
        if (!sql.starts_with(before)) return fail(Errc::Internal, "a table of the link made in another way: " + sql);
        statements.push_back(std::string(before) + "temp." + sql.substr(before.size()));
        if (table) tables.emplace_back(s.text(1));
      }
    }
    TB_ASSIGN(auto transaction, Transaction::begin_deferred(db_));
    for (const std::string& sql : statements) TB_TRY(db_.exec(sql));
    for (const std::string& name : tables) {
      tables_.push_back(name);
      if (name == kEventTable) continue;  // of no use to a dry run
      TB_TRY(db_.exec("INSERT INTO temp." + name + " SELECT * FROM main." + name));
    }
    return transaction.commit();
  }

 private:
  std::vector<std::string> tables_;
};

Result<std::unique_ptr<sync::Link>> LinkTable::copy() {
  auto made = std::make_unique<LinkCopy>(db_);
  TB_TRY(made->make());
  return made;
}

Result<std::vector<Pair>> LinkTable::pairs() {
  TB_ASSIGN(
      auto s,
      db_.prepare("SELECT id, role, subscribed, " END_COLUMNS(a) ", " END_COLUMNS(b) " FROM link_pair ORDER BY id"));
  std::vector<Pair> pairs;
  while (true) {
    TB_ASSIGN(const bool row, s.step());
    if (!row) return pairs;
    Pair pair{.id = s.integer(0), .end = {}, .role = static_cast<Role>(s.integer(1))};
    if (!s.is_null(2)) pair.subscribed = s.integer(2) != 0;
    pair.at(Side::A) = read_end(s, 3);
    pair.at(Side::B) = read_end(s, 3 + kEndColumns);
    pairs.push_back(std::move(pair));
  }
}

Result<PairId> LinkTable::put(const Pair& pair) {
  TB_ASSIGN(auto s, db_.prepare("INSERT OR REPLACE INTO link_pair(id, role, subscribed, " END_COLUMNS(
                        a) ", " END_COLUMNS(b) ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"));
  if (pair.id == 0) {
    s.bind_at(0, nullptr);
  } else {
    s.bind_at(0, pair.id);
  }
  s.bind_at(1, static_cast<int>(pair.role));
  if (pair.subscribed) {
    s.bind_at(2, *pair.subscribed ? 1 : 0);
  } else {
    s.bind_at(2, nullptr);
  }
  bind_end(s, 3, pair.at(Side::A));
  bind_end(s, 3 + kEndColumns, pair.at(Side::B));
  TB_TRY(s.run());
  return pair.id == 0 ? db_.last_insert_rowid() : pair.id;
}

Result<uint64_t> LinkTable::vanish_unseen(Side side, PairId pair, const sync::KeySet& seen) {
  counts_.forget();
  std::vector<RowId> vanished;
  {
    TB_ASSIGN(auto s,
              db_.prepare(side == Side::A ? "SELECT id, a_num, a_name FROM link_row WHERE a_at=1 AND a_pair=?"
                                          : "SELECT id, b_num, b_name FROM link_row WHERE b_at=1 AND b_pair=?"));
    s.bind(pair);
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) break;
      const Key key{static_cast<uint64_t>(s.integer(1)), std::string(s.text(2))};
      if (!seen.contains(key)) vanished.push_back(s.integer(0));
    }
  }
  TB_ASSIGN(auto s, db_.prepare(side == Side::A ? "UPDATE link_row SET a_at=3, dirty=1 WHERE id=?"
                                                : "UPDATE link_row SET b_at=3, dirty=1 WHERE id=?"));
  for (const RowId id : vanished) TB_TRY(s.bind(id).run());
  return vanished.size();
}

}  // namespace

std::unique_ptr<sync::Link> open_link(Db& db) { return std::make_unique<LinkTable>(db); }

}  // namespace libsync::store

#include "libsync/store/link_table.h"

#include "libsync/base/text.h"
#include "libsync/sync/path.h"

namespace libsync::store {
namespace {

using sync::At;
using sync::Flags;
using sync::Half;
using sync::Key;
using sync::Pair;
using sync::PairId;
using sync::Role;
using sync::Row;
using sync::RowId;
using sync::Side;

constexpr char kTables[] = R"sql(
CREATE TABLE link_identity(side INTEGER PRIMARY KEY, identity TEXT NOT NULL);
CREATE TABLE link_pair(
  id INTEGER PRIMARY KEY AUTOINCREMENT, role INTEGER NOT NULL,
  a_box TEXT NOT NULL, a_path TEXT NOT NULL, a_epoch INTEGER NOT NULL, a_cursor TEXT NOT NULL, a_missing INTEGER NOT NULL,
  b_box TEXT NOT NULL, b_path TEXT NOT NULL, b_epoch INTEGER NOT NULL, b_cursor TEXT NOT NULL, b_missing INTEGER NOT NULL);
CREATE TABLE link_row(
  id INTEGER PRIMARY KEY, home INTEGER NOT NULL, agreed INTEGER NOT NULL, dirty INTEGER NOT NULL,
  suspect INTEGER NOT NULL, inferred INTEGER NOT NULL, size INTEGER NOT NULL, date INTEGER,
  base_flags INTEGER NOT NULL, base_keywords TEXT, object TEXT, print TEXT, content TEXT,
  a_at INTEGER NOT NULL, a_pair INTEGER NOT NULL, a_num INTEGER NOT NULL, a_name TEXT,
  a_flags INTEGER NOT NULL, a_keywords TEXT, a_instance TEXT, a_blocked TEXT,
  b_at INTEGER NOT NULL, b_pair INTEGER NOT NULL, b_num INTEGER NOT NULL, b_name TEXT,
  b_flags INTEGER NOT NULL, b_keywords TEXT, b_instance TEXT, b_blocked TEXT);
CREATE INDEX link_row_a ON link_row(a_pair, a_num, a_name) WHERE a_at = 1;
CREATE INDEX link_row_b ON link_row(b_pair, b_num, b_name) WHERE b_at = 1;
CREATE INDEX link_row_a_lost ON link_row(size) WHERE a_at IN (2, 3);
CREATE INDEX link_row_b_lost ON link_row(size) WHERE b_at IN (2, 3);
CREATE INDEX link_row_dirty ON link_row(id) WHERE dirty = 1;
CREATE TABLE link_removed(pair INTEGER NOT NULL, day INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY(pair, day));
)sql";

constexpr char kDoubt[] = R"sql(
ALTER TABLE link_row ADD COLUMN doubt INTEGER NOT NULL DEFAULT 0;
CREATE INDEX link_row_doubt ON link_row(id) WHERE doubt = 1;
)sql";

constexpr char kDoubtLast[] = R"sql(
DROP INDEX link_row_doubt;
CREATE INDEX link_row_doubt ON link_row(doubt, id) WHERE doubt IN (1, 4);
)sql";

constexpr char kTurn[] = R"sql(
CREATE TABLE link_turn(id INTEGER PRIMARY KEY, after INTEGER NOT NULL, ended INTEGER NOT NULL);
)sql";

// What two-way syncs need: what was asked and has no answer, names and subscriptions as agreed, what mailboxes can
// store.
constexpr char kTwoWay[] = R"sql(
ALTER TABLE link_row ADD COLUMN size_b INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link_row ADD COLUMN leftover INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link_row ADD COLUMN a_asked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link_row ADD COLUMN a_to INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link_row ADD COLUMN a_asked_look INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link_row ADD COLUMN b_asked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link_row ADD COLUMN b_to INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link_row ADD COLUMN b_asked_look INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link_row ADD COLUMN a_sent TEXT;
ALTER TABLE link_row ADD COLUMN b_sent TEXT;
ALTER TABLE link_row ADD COLUMN look INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link_pair ADD COLUMN a_base TEXT NOT NULL DEFAULT '';
ALTER TABLE link_pair ADD COLUMN a_renaming TEXT NOT NULL DEFAULT '';
ALTER TABLE link_pair ADD COLUMN a_subscribed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link_pair ADD COLUMN a_mask TEXT;
ALTER TABLE link_pair ADD COLUMN a_read_only INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link_pair ADD COLUMN b_base TEXT NOT NULL DEFAULT '';
ALTER TABLE link_pair ADD COLUMN b_renaming TEXT NOT NULL DEFAULT '';
ALTER TABLE link_pair ADD COLUMN b_subscribed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link_pair ADD COLUMN b_mask TEXT;
ALTER TABLE link_pair ADD COLUMN b_read_only INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link_pair ADD COLUMN subscribed INTEGER;
UPDATE link_pair SET a_base=a_path, b_base=b_path WHERE a_box<>'' AND b_box<>'';
DROP INDEX link_row_a_lost;
DROP INDEX link_row_b_lost;
CREATE INDEX link_row_a_lost ON link_row(size) WHERE a_at IN (2, 3) OR a_asked <> 0;
CREATE INDEX link_row_b_lost ON link_row(CASE size_b WHEN 0 THEN size ELSE size_b END) WHERE b_at IN (2, 3) OR b_asked <> 0;
CREATE INDEX link_row_a_asked ON link_row(id) WHERE a_asked <> 0;
CREATE INDEX link_row_b_asked ON link_row(id) WHERE b_asked <> 0;
CREATE INDEX link_row_object ON link_row(object) WHERE object IS NOT NULL;
)sql";

// Only for links of which the server is ever added to: it costs every new message a page.
constexpr char kContentIndex[] =
    "CREATE INDEX IF NOT EXISTS link_row_content ON link_row(substr(content, 8, 12)) WHERE content IS NOT NULL";

#define ROW_COLUMNS                                                                                             \
  "id, home, agreed, dirty, suspect, inferred, size, date, base_flags, base_keywords, object, print, content, " \
  "a_at, a_pair, a_num, a_name, a_flags, a_keywords, a_instance, a_blocked, "                                   \
  "b_at, b_pair, b_num, b_name, b_flags, b_keywords, b_instance, b_blocked, doubt, "                            \
  "size_b, leftover, a_asked, a_to, a_asked_look, b_asked, b_to, b_asked_look, look, a_sent, b_sent"

constexpr char kInsertRow[] =
    "INSERT INTO link_row(" ROW_COLUMNS
    ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
constexpr char kUpdateRow[] =
    "UPDATE link_row SET home=?2, agreed=?3, dirty=?4, suspect=?5, inferred=?6, size=?7, date=?8, base_flags=?9,"
    " base_keywords=?10, object=?11, print=?12, content=?13,"
    " a_at=?14, a_pair=?15, a_num=?16, a_name=?17, a_flags=?18, a_keywords=?19, a_instance=?20, a_blocked=?21,"
    " b_at=?22, b_pair=?23, b_num=?24, b_name=?25, b_flags=?26, b_keywords=?27, b_instance=?28, b_blocked=?29,"
    " doubt=?30, size_b=?31, leftover=?32, a_asked=?33, a_to=?34, a_asked_look=?35,"
    " b_asked=?36, b_to=?37, b_asked_look=?38, look=?39, a_sent=?40, b_sent=?41"
    " WHERE id=?1";
// Most rows stay where they are on side A: its index need not be touched then.
constexpr char kUpdateRowInPlace[] =
    "UPDATE link_row SET home=?2, agreed=?3, dirty=?4, suspect=?5, inferred=?6, date=?8, base_flags=?9,"
    " base_keywords=?10, object=?11, print=?12, content=?13, a_flags=?18, a_keywords=?19, a_instance=?20, "
    "a_blocked=?21,"
    " b_at=?22, b_pair=?23, b_num=?24, b_name=?25, b_flags=?26, b_keywords=?27, b_instance=?28, b_blocked=?29,"
    " doubt=?30, size_b=?31, leftover=?32, a_asked=?33, a_to=?34, a_asked_look=?35,"
    " b_asked=?36, b_to=?37, b_asked_look=?38, look=?39, a_sent=?40, b_sent=?41"
    " WHERE id=?1 AND size=?7 AND a_at=?14 AND a_pair=?15 AND a_num=?16 AND a_name IS ?17";

constexpr int64_t kSecondsPerDay = 86400;

// Empty text is kept as NULL: most of these columns are empty in most rows.
std::optional<Lent> or_null(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return Lent{text};
}

std::string join(const std::vector<std::string>& keywords) {
  std::string out;
  for (const auto& keyword : keywords) {
    if (!out.empty()) out += ' ';
    out += keyword;
  }
  return out;
}

Flags flags_from(int64_t system, std::string_view keywords) {
  Flags flags{.system = static_cast<uint32_t>(system)};
  while (!keywords.empty()) {
    const size_t space = keywords.find(' ');
    flags.add_keyword(keywords.substr(0, space));
    keywords.remove_prefix(space == keywords.npos ? keywords.size() : space + 1);
  }
  return flags;
}

void bind_flags(Statement& statement, int at, const Flags& flags) {
  statement.bind_at(at, flags.system);
  if (flags.keywords.empty()) {
    statement.bind_at(at + 1, nullptr);
  } else {
    statement.bind_at(at + 1, join(flags.keywords));
  }
}

// "5 one two"; NULL for none.
void bind_sent(Statement& statement, int at, const Flags& flags) {
  if (flags == Flags{}) {
    statement.bind_at(at, nullptr);
  } else {
    statement.bind_at(at, std::to_string(flags.system) + ' ' + join(flags.keywords));
  }
}

Flags read_sent(const Statement& s, int at) {
  const std::string_view text = s.text(at);
  const size_t space = std::min(text.find(' '), text.size());
  return flags_from(static_cast<int64_t>(parse_u64(text.substr(0, space)).value_or(0)),
                    text.substr(std::min(space + 1, text.size())));
}

void bind_half(Statement& statement, int at, const Half& half) {
  statement.bind_at(at, static_cast<int>(half.at));
  statement.bind_at(at + 1, half.pair);
  statement.bind_at(at + 2, half.key.number);
  statement.bind_at(at + 3, or_null(half.key.name));
  bind_flags(statement, at + 4, half.flags);
  statement.bind_at(at + 6, or_null(half.instance));
  statement.bind_at(at + 7, or_null(half.blocked));
}

void bind_row(Statement& statement, const Row& row) {
  if (row.id == 0) {
    statement.bind_at(0, nullptr);
  } else {
    statement.bind_at(0, row.id);
  }
  statement.bind_at(1, row.home);
  statement.bind_at(2, row.agreed ? 1 : 0);
  statement.bind_at(3, row.dirty ? 1 : 0);
  statement.bind_at(4, row.suspect ? 1 : 0);
  statement.bind_at(5, row.inferred ? 1 : 0);
  statement.bind_at(6, row.size);
  statement.bind_at(7, row.date);
  bind_flags(statement, 8, row.base);
  statement.bind_at(10, or_null(row.object));
  statement.bind_at(11, or_null(row.print));
  statement.bind_at(12, or_null(row.content));
  bind_half(statement, 13, row.half(Side::A));
  bind_half(statement, 21, row.half(Side::B));
  statement.bind_at(29, static_cast<int>(row.doubt));
  statement.bind_at(30, row.size_b);
  statement.bind_at(31, row.leftover ? 1 : 0);
  for (const Side side : {Side::A, Side::B}) {
    const int at = side == Side::A ? 32 : 35;
    statement.bind_at(at, static_cast<int>(row.half(side).asked));
    statement.bind_at(at + 1, row.half(side).to);
    statement.bind_at(at + 2, row.half(side).asked_look);
  }
  statement.bind_at(38, row.look);
  for (const Side side : {Side::A, Side::B}) bind_sent(statement, side == Side::A ? 39 : 40, row.half(side).sent);
}

Half read_half(const Statement& s, int at) {
  return {.at = static_cast<At>(s.integer(at)),
          .pair = s.integer(at + 1),
          .key = {static_cast<uint64_t>(s.integer(at + 2)), std::string(s.text(at + 3))},
          .flags = flags_from(s.integer(at + 4), s.text(at + 5)),
          .instance = std::string(s.text(at + 6)),
          .blocked = std::string(s.text(at + 7))};
}

Row read_row(const Statement& s) {
  Row row;
  row.id = s.integer(0);
  row.home = s.integer(1);
  row.agreed = s.integer(2) != 0;
  row.dirty = s.integer(3) != 0;
  row.suspect = s.integer(4) != 0;
  row.inferred = s.integer(5) != 0;
  row.size = static_cast<uint64_t>(s.integer(6));
  if (!s.is_null(7)) row.date = s.integer(7);
  row.base = flags_from(s.integer(8), s.text(9));
  row.object = s.text(10);
  row.print = s.text(11);
  row.content = s.text(12);
  row.half(Side::A) = read_half(s, 13);
  row.half(Side::B) = read_half(s, 21);
  row.doubt = static_cast<sync::Doubt>(s.integer(29));
  row.size_b = static_cast<uint64_t>(s.integer(30));
  row.leftover = s.integer(31) != 0;
  for (const Side side : {Side::A, Side::B}) {
    const int at = side == Side::A ? 32 : 35;
    row.half(side).asked = static_cast<sync::Asked>(s.integer(at));
    row.half(side).to = s.integer(at + 1);
    row.half(side).asked_look = static_cast<uint64_t>(s.integer(at + 2));
  }
  row.look = static_cast<uint64_t>(s.integer(38));
  for (const Side side : {Side::A, Side::B}) row.half(side).sent = read_sent(s, side == Side::A ? 39 : 40);
  return row;
}

}  // namespace

Result<uint64_t> count_refused(Db& db) {
  TB_ASSIGN(auto s, db.prepare("SELECT count(*) FROM link_row"
                               " WHERE dirty=1 AND (a_blocked IS NOT NULL OR b_blocked IS NOT NULL)"));
  TB_TRY(s.step());
  return static_cast<uint64_t>(s.integer(0));
}

namespace {

class BatchOnDb final : public sync::Link::Batch {
 public:
  explicit BatchOnDb(Transaction transaction) : transaction_(std::move(transaction)) {}
  Status commit() override { return transaction_.commit(); }

 private:
  Transaction transaction_;
};

class LinkTable : public sync::Link {
 public:
  explicit LinkTable(Db& db) : db_(db) {}

  Result<std::unique_ptr<sync::Link>> copy() override;

  Result<std::unique_ptr<Batch>> begin() override {
    TB_ASSIGN(auto transaction, Transaction::begin(db_));
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
      return db_.last_insert_rowid();
    }
    TB_TRY(write(kUpdateRowInPlace, row));
    if (db_.changes() == 0) TB_TRY(write(kUpdateRow, row));
    return row.id;
  }

  Status erase(RowId id) override {
    TB_ASSIGN(auto s, db_.prepare("DELETE FROM link_row WHERE id=?"));
    return s.bind(id).run();
  }

  Result<std::vector<Row>> dirty(RowId after, size_t limit) override {
    TB_ASSIGN(auto s, db_.prepare("SELECT " ROW_COLUMNS " FROM link_row WHERE dirty=1 AND id>? ORDER BY id LIMIT ?"));
    s.bind(after, limit);
    return all(s);
  }

  Result<std::vector<Row>> dirty_gone(RowId after, size_t limit) override {
    TB_ASSIGN(auto s, db_.prepare("SELECT " ROW_COLUMNS " FROM link_row WHERE dirty=1 AND agreed=1 AND leftover=0"
                                  " AND (a_at=3 OR b_at=3)"
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
    TB_ASSIGN(auto s, db_.prepare(side == Side::A ? "SELECT count(*) FROM link_row WHERE a_at=1 AND a_pair=?"
                                                  : "SELECT count(*) FROM link_row WHERE b_at=1 AND b_pair=?"));
    s.bind(pair);
    return count(s);
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

  Status index_contents() override { return db_.exec(kContentIndex); }

  Result<uint64_t> count_agreed(PairId pair) override {
    TB_ASSIGN(auto s, db_.prepare("SELECT count(*) FROM link_row WHERE home=? AND agreed=1"));
    s.bind(pair);
    return count(s);
  }

  Result<uint64_t> count_suspect() override {
    TB_ASSIGN(auto s, db_.prepare("SELECT count(*) FROM link_row WHERE dirty=1 AND (suspect=1 OR (doubt=6 AND a_at=3)"
                                  " OR (a_at=2 AND a_asked=0) OR (b_at=2 AND b_asked=0))"));
    return count(s);
  }

  Status unbind(Side side, PairId pair) override {
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

#define END_COLUMNS(x)                                                                                     \
  #x "_box, " #x "_path, " #x "_epoch, " #x "_cursor, " #x "_missing, " #x "_base, " #x "_subscribed, " #x \
     "_mask, " #x "_read_only, " #x "_renaming"
constexpr int kEndColumns = 10;

// "31 * one two": the system flags, whether any keyword can be kept, those that can.
std::string mask_text(const sync::FlagMask& mask) {
  std::string out = std::to_string(mask.system);
  if (mask.any_keyword) out += " *";
  for (const std::string& keyword : mask.keywords) out += ' ' + keyword;
  return out;
}

sync::FlagMask mask_from(std::string_view text) {
  const size_t space = text.find(' ');
  sync::FlagMask mask{.system = static_cast<uint32_t>(parse_u64(text.substr(0, space)).value_or(0))};
  Flags words = flags_from(0, space == text.npos ? std::string_view() : text.substr(space + 1));
  mask.any_keyword = std::erase(words.keywords, "*") > 0;
  mask.keywords = std::move(words.keywords);
  return mask;
}

void bind_end(Statement& s, int at, const Pair::End& end) {
  s.bind_at(at, end.box);
  s.bind_at(at + 1, sync::encode_path(end.path));
  s.bind_at(at + 2, end.epoch);
  s.bind_at(at + 3, end.cursor);
  s.bind_at(at + 4, end.missing ? 1 : 0);
  s.bind_at(at + 5, sync::encode_path(end.base));
  s.bind_at(at + 6, end.subscribed ? 1 : 0);
  if (end.mask) {
    s.bind_at(at + 7, mask_text(*end.mask));
  } else {
    s.bind_at(at + 7, nullptr);
  }
  s.bind_at(at + 8, end.read_only ? 1 : 0);
  s.bind_at(at + 9, sync::encode_path(end.renaming));
}

Pair::End read_end(const Statement& s, int at) {
  Pair::End end{.box = std::string(s.text(at)),
                .path = sync::decode_path(s.text(at + 1)),
                .base = sync::decode_path(s.text(at + 5)),
                .renaming = sync::decode_path(s.text(at + 9)),
                .epoch = static_cast<uint64_t>(s.integer(at + 2)),
                .cursor = std::string(s.text(at + 3)),
                .missing = s.integer(at + 4) != 0,
                .subscribed = s.integer(at + 6) != 0,
                .read_only = s.integer(at + 8) != 0};
  if (!s.is_null(at + 7)) end.mask = mask_from(s.text(at + 7));
  return end;
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

Status create_link_tables_1(Db& db) { return db.exec(kTables); }
Status upgrade_link_tables_2(Db& db) { return db.exec(kDoubt); }
Status upgrade_link_tables_3(Db& db) { return db.exec(kDoubtLast); }
Status upgrade_link_tables_4(Db& db) { return db.exec(kTurn); }
Status upgrade_link_tables_5(Db& db) { return db.exec(kTwoWay); }

Status create_link_tables(Db& db) {
  TB_TRY(create_link_tables_1(db));
  TB_TRY(upgrade_link_tables_2(db));
  TB_TRY(upgrade_link_tables_3(db));
  TB_TRY(upgrade_link_tables_4(db));
  return upgrade_link_tables_5(db);
}

std::unique_ptr<sync::Link> open_link(Db& db) { return std::make_unique<LinkTable>(db); }

}  // namespace libsync::store

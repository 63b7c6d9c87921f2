// The tables of the link, version by version.
#include "libsync/store/link_table.h"

namespace libsync::store {
namespace {

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
ALTER TABLE link_row ADD COLUMN answer INTEGER NOT NULL DEFAULT 0;
CREATE INDEX link_row_answer ON link_row(id) WHERE answer <> 0;
CREATE TABLE link_event(
  id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, first INTEGER NOT NULL, times INTEGER NOT NULL,
  what INTEGER NOT NULL, op INTEGER NOT NULL, side INTEGER NOT NULL, reason INTEGER NOT NULL, link_row INTEGER NOT NULL,
  message TEXT, folder TEXT, to_folder TEXT, key TEXT, flags TEXT, words TEXT, by TEXT);
CREATE INDEX link_event_message ON link_event(message) WHERE message IS NOT NULL;
CREATE INDEX link_event_again ON link_event(link_row) WHERE what IN (1, 2);
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

Status index_link_contents(Db& db) { return db.exec(kContentIndex); }

}  // namespace libsync::store

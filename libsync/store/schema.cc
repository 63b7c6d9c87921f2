#include "libsync/store/schema.h"

#include <array>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/store/link_table.h"
#include "libsync/sync/path.h"

namespace libsync::store {
namespace {

// AUTOINCREMENT where an id must never be given again: messages (users keep them), contents (the index
// may still hold words of one that is gone), segments (a reader may still have the old file open).
constexpr char kVersion1[] = R"sql(
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE segment(id INTEGER PRIMARY KEY AUTOINCREMENT, length INTEGER NOT NULL);
CREATE TABLE content(
  id INTEGER PRIMARY KEY AUTOINCREMENT, sha256 BLOB NOT NULL,
  segment INTEGER NOT NULL, offset INTEGER NOT NULL, stored INTEGER NOT NULL, codec INTEGER NOT NULL,
  size INTEGER NOT NULL, print BLOB NOT NULL, idle_since INTEGER, indexed INTEGER NOT NULL DEFAULT 0,
  attachments INTEGER, date INTEGER, subject TEXT, sender TEXT, recipients TEXT, cc TEXT,
  message_id TEXT, in_reply_to TEXT, list_id TEXT);
CREATE UNIQUE INDEX content_sha256 ON content(sha256);
CREATE INDEX content_print ON content(print);
CREATE INDEX content_idle ON content(id) WHERE idle_since IS NOT NULL;
CREATE INDEX content_pending ON content(id) WHERE indexed=0;
CREATE TABLE mailbox(
  id INTEGER PRIMARY KEY AUTOINCREMENT, path TEXT NOT NULL UNIQUE, role INTEGER NOT NULL,
  subscribed INTEGER NOT NULL, uidvalidity INTEGER NOT NULL, uidnext INTEGER NOT NULL,
  highestmodseq INTEGER NOT NULL, vanished_floor INTEGER NOT NULL, messages INTEGER NOT NULL,
  unseen INTEGER NOT NULL, octets INTEGER NOT NULL);
CREATE TABLE message(
  id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER REFERENCES mailbox(id), uid INTEGER,
  modseq INTEGER NOT NULL, content INTEGER NOT NULL, flags INTEGER NOT NULL, keywords TEXT,
  internaldate INTEGER NOT NULL, removed_at INTEGER, removed_from TEXT);
CREATE UNIQUE INDEX message_uid ON message(mailbox, uid) WHERE mailbox IS NOT NULL;
CREATE INDEX message_modseq ON message(mailbox, modseq) WHERE mailbox IS NOT NULL;
CREATE INDEX message_content ON message(content);
CREATE INDEX message_removed ON message(removed_at) WHERE removed_at IS NOT NULL;
CREATE TABLE vanished(
  mailbox INTEGER NOT NULL, modseq INTEGER NOT NULL, uid INTEGER NOT NULL,
  PRIMARY KEY(mailbox, modseq, uid)) WITHOUT ROWID;
CREATE TABLE run(
  id INTEGER PRIMARY KEY, started INTEGER NOT NULL, finished INTEGER NOT NULL, ok INTEGER NOT NULL,
  error_code INTEGER NOT NULL, error_text TEXT NOT NULL, added INTEGER NOT NULL, flags INTEGER NOT NULL,
  moved INTEGER NOT NULL, removed INTEGER NOT NULL, skipped INTEGER NOT NULL, held INTEGER NOT NULL,
  octets INTEGER NOT NULL, bytes_in INTEGER NOT NULL, bytes_out INTEGER NOT NULL, round_trips INTEGER NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(subject, sender, recipients, body, content='', tokenize='twinbox');
)sql";

Status version_1(Db& db) {
  TB_TRY(db.exec(kVersion1));
  return create_link_tables_1(db);
}

// What `status` tells of the last run besides its counts. Before, error_text was the whole error on one line.
constexpr char kVersion2[] = R"sql(
ALTER TABLE run ADD COLUMN error_server TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN error_hint TEXT NOT NULL DEFAULT '';
ALTER TABLE run ADD COLUMN error_retry INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN suspect INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN doubtful INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
)sql";

Status version_2(Db& db) {
  TB_TRY(db.exec(kVersion2));
  return upgrade_link_tables_2(db);
}

// What was found damaged, for the next sync. And words are folded otherwise (ß): the index is made anew.
constexpr char kVersion3[] = R"sql(
CREATE TABLE damaged(content INTEGER PRIMARY KEY, found INTEGER NOT NULL, lost INTEGER NOT NULL DEFAULT 0);
INSERT INTO words(words) VALUES('delete-all');
UPDATE content SET indexed=0 WHERE indexed<>0;
)sql";

Status version_3(Db& db) {
  TB_TRY(db.exec(kVersion3));
  return upgrade_link_tables_3(db);
}

// Whose turn it is among what a connection ended in.
Status version_4(Db& db) { return upgrade_link_tables_4(db); }

// An index at random costs every new message a page; what it was for is asked of few stores (StoreImpl::find_print()).
Status version_5(Db& db) { return db.exec("DROP INDEX content_print"); }

// What an IMAP server tells: when a message came into its mailbox (RFC 8514), and which keywords a mailbox's messages
// have, as soon as it is opened. Few messages have any, so that the index is small.
constexpr char kVersion6[] = R"sql(
ALTER TABLE message ADD COLUMN saved INTEGER;
CREATE INDEX message_keywords ON message(mailbox, keywords) WHERE mailbox IS NOT NULL AND keywords IS NOT NULL;
)sql";

Status version_6(Db& db) { return db.exec(kVersion6); }

// What is done here goes to the server, too.
Status version_7(Db& db) { return upgrade_link_tables_5(db); }

constexpr std::array<SchemaStep, kSchemaVersion> kSteps = {version_1, version_2, version_3, version_4,
                                                           version_5, version_6, version_7};

Result<int64_t> pragma(Db& db, std::string_view sql) {
  TB_ASSIGN(auto statement, db.prepare(sql));
  TB_TRY(statement.step());
  return statement.integer(0);
}

Result<bool> is_empty(Db& db) {
  TB_ASSIGN(auto statement, db.prepare("SELECT 1 FROM sqlite_master LIMIT 1"));
  TB_ASSIGN(const bool row, statement.step());
  return !row;
}

Status step_up(Db& db, std::span<const SchemaStep> steps) {
  TB_ASSIGN(auto transaction, Transaction::begin(db));
  // Another process may have done it while this one waited for the lock.
  TB_ASSIGN(const int64_t version, pragma(db, "PRAGMA user_version"));
  if (version >= std::ssize(steps)) return {};
  // A new one is there whole or not at all: who reads meanwhile must not take it for one of an older version.
  const int64_t until = version == 0 ? std::ssize(steps) : version + 1;
  for (int64_t step = version; step < until; ++step) TB_TRY(steps[static_cast<size_t>(step)](db));
  TB_TRY(db.exec("PRAGMA application_id=" + std::to_string(kApplicationId)));
  TB_TRY(db.exec("PRAGMA user_version=" + std::to_string(until)));
  return transaction.commit();
}

}  // namespace

Status check_path(const sync::Path& path) {
  const auto refuse = [](std::string_view why) { return fail(Errc::Usage, say("folder name refused: {}", why)); };
  if (path.empty()) return refuse(word("it is empty"));
  if (path.size() > kMaxPathDepth) return refuse(say("more than {} levels", kMaxPathDepth));
  for (const auto& component : path) {
    if (component.empty()) return refuse(word("a level of it is empty"));
    if (component.size() > kMaxComponentBytes)
      return refuse(say("a level is longer than {} bytes", kMaxComponentBytes));
  }
  if (sync::encode_path(path).size() > kMaxPathBytes) return refuse(say("longer than {} bytes", kMaxPathBytes));
  return {};
}

Error newer_format(const std::string& path, int64_t version, int64_t known) {
  return {.code = Errc::Newer,
          .what = say("{}: made by a newer version of twinbox (format {}; this one knows {})", path, version, known),
          .hint = std::string(word("update twinbox"))};
}

std::span<const SchemaStep> schema_steps() { return kSteps; }

Status migrate(Db& db, const std::string& path, bool may_write, std::span<const SchemaStep> steps) {
  const int64_t latest = std::ssize(steps);
  while (true) {
    // In this order: another process may make the tables between two of these lines.
    TB_ASSIGN(const bool empty, is_empty(db));
    TB_ASSIGN(const int64_t application, pragma(db, "PRAGMA application_id"));
    TB_ASSIGN(const int64_t version, pragma(db, "PRAGMA user_version"));
    if (!empty && application != kApplicationId) {
      return fail(Errc::Corrupt, say("{}: a database, but not a twinbox store", path));
    }
    if (version > latest) return fail(newer_format(path, version, latest));
    if (version == latest) return {};
    if (version < 0) return fail(Errc::Corrupt, say("{}: impossible format number {}", path, version));
    if (!may_write && version == 0) return fail(Errc::NotFound, say("{}: no mail was stored there yet", path));
    if (!may_write) {
      return fail(Errc::Refused,
                  say("{}: made by an older version of twinbox (format {}; this one needs {})", path, version, latest));
    }
    TB_TRY(step_up(db, steps));
  }
}

}  // namespace libsync::store

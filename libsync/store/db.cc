#include "libsync/store/db.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

#include <sqlite3.h>

#include "libsync/base/words.h"

namespace libsync::store {

Statement::Statement(Statement&& other) noexcept : db_(other.db_), statement_(other.statement_), lent_(other.lent_) {
  other.statement_ = nullptr;
}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  if (lent_ == nullptr) {
    sqlite3_finalize(statement_);
    return;
  }
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  *lent_ = false;
}

void Statement::bind_at(int index, std::nullptr_t) { sqlite3_bind_null(statement_, index + 1); }
void Statement::bind_at(int index, std::string_view text) {
  sqlite3_bind_text64(statement_, index + 1, text.data() == nullptr ? "" : text.data(), text.size(), SQLITE_TRANSIENT,
                      SQLITE_UTF8);
}
void Statement::bind_at(int index, Blob blob) {
  sqlite3_bind_blob64(statement_, index + 1, blob.bytes.data() == nullptr ? "" : blob.bytes.data(), blob.bytes.size(),
                      SQLITE_TRANSIENT);
}
void Statement::bind_at(int index, Lent lent) {
  sqlite3_bind_text64(statement_, index + 1, lent.text.data() == nullptr ? "" : lent.text.data(), lent.text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
}
void Statement::bind_at(int index, double value) { sqlite3_bind_double(statement_, index + 1, value); }
void Statement::bind_int(int index, int64_t value) { sqlite3_bind_int64(statement_, index + 1, value); }

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return fail(db_->error(word("cannot read or write")));
}

Status Statement::run() {
  while (true) {
    TB_ASSIGN(const bool row, step());
    if (!row) break;
  }
  reset();
  return {};
}

void Statement::reset() { sqlite3_reset(statement_); }

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }
std::string_view Statement::text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const auto size = static_cast<size_t>(sqlite3_column_bytes(statement_, column));
  return bytes == nullptr ? std::string_view() : std::string_view(bytes, size);
}
bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
bool Statement::is_integer(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_INTEGER; }

namespace {

constexpr std::chrono::milliseconds kPoll{5};

// A first mirror writes into indexes at random: with SQLite's 2 MB of cache each page would be read and written many
// times over. The log is copied into the database every 4 MB, SQLite's own measure: more of it at a time would be more
// that a copy made file by file can miss.
constexpr std::string_view kWriting = "PRAGMA cache_size=-16000; PRAGMA wal_autocheckpoint=500;";

constexpr std::string_view kDurable = "PRAGMA synchronous=FULL;";

// Of a new database; of pages at random half as many are written as with 4 kB.
constexpr std::string_view kPages = "PRAGMA page_size=8192";

// What a statement changes is kept until it has succeeded, for message has a foreign key: the pages of one message,
// moved. SQLite has 64 kB of them in memory, and from then on writes each page to a file first.
constexpr int kStatementJournal = 1 << 20;

// SQLite counts its memory for a limit that nobody sets, under a lock that all threads share. To be said before its
// first use; where that was too late all works as before.
void configure_sqlite() {
  static const int ignored =
      sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) | sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, kStatementJournal);
  (void)ignored;
}

// To make a database one with a write-ahead log SQLite needs it for itself for a moment, and does not wait for that.
Status use_write_ahead_log(Db& db, int busy_ms) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(busy_ms);
  while (true) {
    Status done = db.exec("PRAGMA journal_mode=WAL");
    if (done || done.error().code != Errc::Busy || std::chrono::steady_clock::now() >= until) return done;
    std::this_thread::sleep_for(kPoll);
  }
}

// As SQLite wants a path with parameters behind it: docs "Uniform Resource Identifiers".
std::string as_uri(const std::string& path, std::string_view parameters) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      uri += c == '%' ? "%25" : c == '?' ? "%3f" : "%23";
    } else {
      uri += c;
    }
  }
  return uri.append("?").append(parameters);
}

std::string name_for_sqlite(const std::string& path, DbMode mode) {
  switch (mode) {
    case DbMode::Memory:
      return ":memory:";
    case DbMode::ReadOnlyDisk:
      return as_uri(path, "readonly_shm=1");
    case DbMode::Frozen:
      return as_uri(path, "immutable=1");
    default:
      return path;
  }
}

}  // namespace

Result<std::unique_ptr<Db>> Db::open(const std::string& path, DbMode mode, int busy_ms) {
  configure_sqlite();
  const bool writes = mode == DbMode::ReadWrite || mode == DbMode::Memory;
  int flags = SQLITE_OPEN_NOMUTEX | (writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
  if (mode == DbMode::ReadOnlyDisk || mode == DbMode::Frozen) flags |= SQLITE_OPEN_URI;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(name_for_sqlite(path, mode).c_str(), &handle, flags, nullptr);
  std::unique_ptr<Db> db(new Db(handle, mode == DbMode::Memory ? ":memory:" : path));
  if (code != SQLITE_OK) return fail(db->error(word("cannot open")));
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, busy_ms);
  TB_TRY(db->exec("PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;"));
  if (mode == DbMode::ReadWrite) {
    TB_TRY(db->exec(std::string(kPages)));
    TB_TRY(use_write_ahead_log(*db, busy_ms));
    TB_TRY(db->exec(std::string(kDurable) + std::string(kWriting)));
  }
  return db;
}

Db::~Db() {
  for (auto& [sql, cached] : cache_) sqlite3_finalize(cached.statement);
  sqlite3_close(db_);
}

Status Db::exec(const std::string& sql) {
  if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return fail(error(word("cannot read or write")));
  }
  return {};
}

Result<Statement> Db::prepare(std::string_view sql) {
  const auto found = cache_.find(sql);
  if (found != cache_.end() && !found->second.lent) {
    found->second.lent = true;
    return Statement(this, found->second.statement, &found->second.lent);
  }
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                         nullptr) != SQLITE_OK) {
    return fail(error(word("cannot prepare a query")));
  }
  // A second of the same text, while the first is in use, is not kept.
  if (found != cache_.end()) return Statement(this, statement, nullptr);
  Cached& cached = cache_[std::string(sql)] = {.statement = statement, .lent = true};
  return Statement(this, statement, &cached.lent);
}

int64_t Db::last_insert_rowid() const { return sqlite3_last_insert_rowid(db_); }
int64_t Db::changes() const { return sqlite3_changes64(db_); }
bool Db::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }
bool Db::has_moved() const {
  int moved = 0;
  return sqlite3_file_control(db_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0;
}

namespace {

// The system's error behind SQLite's "disk I/O error", which may be a disk that is full or read-only; 0 if unknown.
int system_error(sqlite3* db) {
  for (const int which : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {
    sqlite3_file* file = nullptr;
    int last = 0;
    if (sqlite3_file_control(db, "main", which, static_cast<void*>(&file)) != SQLITE_OK) continue;
    if (file == nullptr || file->pMethods == nullptr) continue;
    if (file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &last) == SQLITE_OK && last != 0) return last;
  }
  // What could not be made is then looked for: that it is not there is no reason.
  const int last = sqlite3_system_errno(db);
  return last == ENOENT ? 0 : last;
}

}  // namespace

Error Db::error(std::string_view doing) const {
  const int code = sqlite3_extended_errcode(db_);
  Error error{.code = Errc::Disk, .what = say("{}: {}: {}", path_, doing, sqlite3_errmsg(db_))};
  switch (code & 0xFF) {
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      if (const int why = system_error(db_); why != 0) {
        error.what = say("{} ({})", error.what, std::generic_category().message(why));
      } else {
        error.hint = say("the disk may be full, or read-only: df -h {}", path_);
      }
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      error.code = Errc::Busy;
      error.retry = true;
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      error.code = Errc::Corrupt;
      break;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
      error.code = Errc::Internal;
      break;
    default:
      break;
  }
  return error;
}

std::optional<std::string> head_of_file(const std::string& path, size_t length) {
  configure_sqlite();
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
  const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> closer(handle, sqlite3_close);
  sqlite3_file* file = nullptr;
  if (code != SQLITE_OK) return std::nullopt;
  if (sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, static_cast<void*>(&file)) != SQLITE_OK ||
      file == nullptr || file->pMethods == nullptr) {
    return std::nullopt;
  }
  sqlite3_int64 size = 0;
  if (file->pMethods->xFileSize(file, &size) != SQLITE_OK) return std::nullopt;
  std::string head(std::min<size_t>(length, static_cast<size_t>(size)), '\0');
  if (file->pMethods->xRead(file, head.data(), static_cast<int>(head.size()), 0) != SQLITE_OK) return std::nullopt;
  return head;
}

Result<Transaction> Transaction::begin_as(Db& db, Kind kind, const char* outermost) {
  if (!db.in_transaction()) {
    TB_TRY(db.exec(outermost));
    db.later_ = kind == Kind::Later;
    return Transaction(&db, kind);
  }
  if (db.later_ && kind == Kind::Durable) return fail(Errc::Internal, "to be durable, within what is not waited for");
  TB_TRY(db.exec("SAVEPOINT nested"));
  return Transaction(&db, Kind::Nested);
}

Result<Transaction> Transaction::begin(Db& db) { return begin_as(db, Kind::Durable, "BEGIN IMMEDIATE"); }
Result<Transaction> Transaction::begin_deferred(Db& db) { return begin_as(db, Kind::Durable, "BEGIN"); }

// With a write-ahead log NORMAL leaves out the fdatasync of a commit and nothing else: the next FULL one has all before
// it written down, too, and a checkpoint has the log written down first.
Result<Transaction> Transaction::begin_later(Db& db) {
  if (db.in_transaction()) return begin_as(db, Kind::Nested, "");
  TB_TRY(db.exec("PRAGMA synchronous=NORMAL"));
  auto begun = begin_as(db, Kind::Later, "BEGIN IMMEDIATE");
  if (!begun) TB_TRY(db.exec(std::string(kDurable)));
  return begun;
}

Transaction::~Transaction() {
  if (db_ == nullptr) return;
  ++db_->rollbacks_;
  // A rollback that fails leaves the transaction to the connection's close, which rolls back too.
  if (db_->in_transaction()) {
    (void)db_->exec(kind_ == Kind::Nested ? "ROLLBACK TO nested; RELEASE nested" : "ROLLBACK");
  }
  if (kind_ == Kind::Later) (void)ended();
}

Status Transaction::commit() {
  TB_TRY(db_->exec(kind_ == Kind::Nested ? "RELEASE nested" : "COMMIT"));
  const Status done = kind_ == Kind::Later ? ended() : Status();
  db_ = nullptr;
  return done;
}

Status Transaction::ended() {
  db_->later_ = false;
  return db_->exec(std::string(kDurable));
}

}  // namespace libsync::store

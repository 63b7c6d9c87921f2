// SQLite behind Result<T>: a connection, prepared statements, transactions. Strings are bound as
// text, blobs explicitly. One thread at a time per connection.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "libsync/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace libsync::store {

struct Blob {
  std::string_view bytes;
};

// Text that stays as it is until the statement has run: it is not copied.
struct Lent {
  std::string_view text;
};

class Db;

// A prepared statement, lent by its Db: reset and unbound when the Statement goes. Columns and
// parameters count from 0. Views of columns are valid until the next step().
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Binds the parameters in order: integers, string views, Blob, Lent, nullptr, optionals of these.
  template <class... Values>
  Statement& bind(const Values&... values) {
    int index = 0;
    (bind_at(index++, values), ...);
    return *this;
  }
  template <class Value>
  void bind_at(int index, const std::optional<Value>& value) {
    value ? bind_at(index, *value) : bind_at(index, nullptr);
  }
  template <class Integer>
    requires std::integral<Integer>
  void bind_at(int index, Integer value) {
    bind_int(index, static_cast<int64_t>(value));
  }
  void bind_at(int index, std::nullptr_t);
  void bind_at(int index, std::string_view text);
  void bind_at(int index, const char* text) { bind_at(index, std::string_view(text)); }
  void bind_at(int index, const std::string& text) { bind_at(index, std::string_view(text)); }
  void bind_at(int index, Blob blob);
  void bind_at(int index, Lent lent);
  void bind_at(int index, double value);

  Result<bool> step();  // true: a row is there
  Status run();         // steps to the end and resets: for statements without rows
  void reset();         // ready to be bound and stepped again

  int64_t integer(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;  // text or blob
  bool is_null(int column) const;
  bool is_integer(int column) const;

 private:
  friend class Db;
  Statement(Db* db, sqlite3_stmt* statement, bool* lent) : db_(db), statement_(statement), lent_(lent) {}
  void bind_int(int index, int64_t value);
  Db* db_;
  sqlite3_stmt* statement_;
  bool* lent_;  // the cache's; without one it is finalised
};

enum class DbMode {
  ReadWrite,
  ReadOnly,
  ReadOnlyDisk,  // the same where nothing can be written, not even what SQLite keeps beside a database with a log
  Frozen,        // the same without a log, where nobody writes meanwhile: SQLite takes no locks
  Memory
};

class Db {
 public:
  // Opens or makes the file. WAL, synchronous=FULL, foreign keys on, busy timeout `busy_ms`.
  static Result<std::unique_ptr<Db>> open(const std::string& path, DbMode mode, int busy_ms = 5000);
  ~Db();
  Db(const Db&) = delete;
  Db& operator=(const Db&) = delete;

  // Runs SQL without parameters or rows, several statements at once.
  Status exec(const std::string& sql);
  // A statement from the cache, keyed by its text (use literals). The text must be one statement.
  Result<Statement> prepare(std::string_view sql);
  int64_t last_insert_rowid() const;
  int64_t changes() const;
  bool in_transaction() const;
  // How often a Transaction was undone: what is remembered of rows from before may not be so any more.
  uint64_t rollbacks() const { return rollbacks_; }
  // Another file has its name now, or none: what is written here is lost.
  bool has_moved() const;
  Error error(std::string_view doing) const;  // the connection's last error as Disk, Busy or Corrupt
  sqlite3* handle() { return db_; }

 private:
  friend class Statement;
  friend class Transaction;
  explicit Db(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  sqlite3* db_;
  uint64_t rollbacks_ = 0;
  bool later_ = false;  // a transaction that is not waited for is under way
  std::string path_;
  struct Cached {
    sqlite3_stmt* statement = nullptr;
    bool lent = false;
  };
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, Cached, Hash, std::equal_to<>> cache_;
};

// The first bytes of a database's file, as they are on disk; fewer where it ends, nothing where it can't be read. By
// SQLite: a process that closes a file itself loses the locks that SQLite has on it, and another process would then
// remove the write-ahead log under it.
std::optional<std::string> head_of_file(const std::string& path, size_t length);

// BEGIN IMMEDIATE … COMMIT, or ROLLBACK when it goes without commit(). Inside another transaction it
// is a savepoint.
class Transaction {
 public:
  static Result<Transaction> begin(Db& db);
  // As whole as any, but not waited for: it is safe from a power loss, with all before it, as soon as one that is
  // waited for is. What ends with the process alone loses nothing. Inside a later one all are later: no place for
  // begin(), which says so.
  static Result<Transaction> begin_later(Db& db);
  // Locks nothing before it writes, and so nothing at all where only temporary tables are written.
  static Result<Transaction> begin_deferred(Db& db);
  Transaction(Transaction&& other) noexcept : db_(other.db_), kind_(other.kind_) { other.db_ = nullptr; }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status commit();

 private:
  enum class Kind : uint8_t { Durable, Later, Nested };
  static Result<Transaction> begin_as(Db& db, Kind kind, const char* outermost);
  Transaction(Db* db, Kind kind) : db_(db), kind_(kind) {}
  Status ended();
  Db* db_;
  Kind kind_;
};

}  // namespace libsync::store

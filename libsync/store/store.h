// The local store (docs/store-format.md): one directory an account, twin.db (SQLite, WAL) and content/ (append-only
// segments). A full mail store with IMAP semantics: uid, uidvalidity and modseq per mailbox. The format
// is in docs/store-format.md.
//
// A Store belongs to one thread at a time; any number of them, in any number of processes, may have
// the same directory open. Reading never waits for a writer. Single writes take SQLite's lock for
// moments; a sync, a compaction and a rebuild hold lock_for_sync() throughout.
//
// Errors: Errc::NotFound (no store there), Errc::Newer (made by a newer version), Errc::Corrupt
// (damaged), Errc::Busy (another writer), Errc::Disk (full, I/O), Errc::Limit, Errc::Cancelled.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/base/file.h"
#include "libsync/base/result.h"
#include "libsync/store/db.h"
#include "libsync/store/lock.h"
#include "libsync/store/types.h"

namespace libsync::store {

class Write;

enum class StoreMode {
  ReadOnly,   // must exist; nothing is written but what was found damaged, see Store::damage()
  ReadWrite,  // must exist; older formats are migrated
  Create,     // ReadWrite, made if missing
};

// How long removed mail stays restorable.
inline constexpr int64_t kQuarantineSeconds = 30 * 86400;
// A segment that reached this size is not appended to any more: compact rewrites segments one by one,
// and backups copy what changed.
inline constexpr uint64_t kSegmentBytes = 256ULL << 20;
// The largest message that content() gives as one string; larger ones are read with stream().
inline constexpr uint64_t kMaxWholeContent = 256ULL << 20;

struct StoreOptions {
  StoreMode mode = StoreMode::ReadWrite;
  FileSystem* fs = nullptr;      // null: the real one; else it must outlive the store
  const Clock* clock = nullptr;  // null: the system's
  uint64_t segment_bytes = kSegmentBytes;
  int busy_ms = 5000;  // how long a single write waits for another
};

// A message's octets, appended to a segment (or known already) but not yet part of any mailbox: see
// Store::stage(). A value; void once its Store goes or discard_staged() is called.
struct Staged {
  Sha256Digest sha256{};
  uint64_t size = 0;
  sync::Id print{};
  EnvelopeColumns envelope{};
  bool known = false;  // the store had these octets already: nothing was appended
  uint32_t segment = 0;
  uint64_t offset = 0, stored = 0;  // of its frame, when not known
  uint8_t codec = 0;
};

enum class ListOrder { Newest, Uid };  // internaldate descending; or mailbox and uid ascending

struct ListOptions {
  std::optional<MailboxId> mailbox{};  // nothing: all
  bool removed = false;                // the quarantine instead of the mailboxes
  ListOrder order = ListOrder::Newest;
  uint64_t limit = UINT64_MAX;
  uint64_t offset = 0;
};

// Called once a message; false ends the list.
using MessageVisitor = std::function<bool(const MessageInfo&)>;

struct SearchOptions {
  uint64_t limit = 50;
  uint64_t offset = 0;
  bool by_rank = false;  // best first; else newest first
  bool snippets = true;
};

// A place in a snippet's text that made the message a hit.
struct Mark {
  size_t offset = 0, length = 0;  // bytes
};
struct Hit {
  MessageInfo message{};
  std::string snippet{};  // one line of UTF-8 around the first match in the text; may be empty
  std::vector<Mark> marks{};
};
struct SearchResult {
  std::vector<Hit> hits{};
  bool more = false;       // there are hits behind these
  uint64_t unindexed = 0;  // messages whose words the index does not hold yet
};

struct Progress {
  uint64_t done = 0, total = 0;  // things counted: messages, or segments' contents
  uint64_t octets = 0, octets_total = 0;
};
using ProgressFn = std::function<void(const Progress&)>;  // empty: nobody watches

enum class ProblemKind {
  Database,        // SQLite's own check found something
  MissingSegment,  // a file that rows point into is not there
  Frame,           // a frame is damaged
  Hash,            // octets do not give the hash they are kept under
  MissingContent,  // a message without content
  Counts,          // a mailbox counts other than its messages say
  TornTail,        // bytes behind the last frame; harmless, the next writer removes them
  OrphanSegment,   // a segment file nothing points into; compact deals with it
};
struct Problem {
  ProblemKind kind = ProblemKind::Database;
  bool harmless = false;
  std::string text{};                 // one line for a person
  std::vector<MessageId> messages{};  // the messages hit, at most 100
  bool lost = false;                  // a content that the last sync did not find on the server
};
struct VerifyReport {
  uint64_t contents = 0, messages = 0, octets = 0;
  std::vector<Problem> problems{};  // at most kMaxProblems; more are only counted
  uint64_t problems_total = 0;
  bool ok() const;             // nothing but harmless problems
  bool index_damaged() const;  // some are of twin.db itself: a sync doesn't mend those
};
inline constexpr size_t kMaxProblems = 100'000;  // some 30 MB

struct CompactOptions {
  bool force = false;  // rewrite every segment that has a hole, however small
  int64_t quarantine_seconds = kQuarantineSeconds;
};
struct CompactReport {
  uint64_t messages_purged = 0, contents_dropped = 0, segments_rewritten = 0;
  uint64_t bytes_before = 0, bytes_after = 0;
};

struct RebuildReport {
  uint64_t contents = 0, octets = 0, damaged_frames = 0;
  std::vector<std::string> unreadable{};  // segments of which nothing could be read, each with the reason
  std::string old_database{};             // where the old twin.db was put; empty: there was none
};

// Messages whose octets here are not whole.
struct Damage {
  uint64_t waiting = 0;  // fetched again by the next sync
  uint64_t lost = 0;     // not on the server any more, when a sync looked last
};

struct Prepared;  // prepared.h

class Store {
 public:
  static Result<std::unique_ptr<Store>> open(const std::string& directory, const StoreOptions& options = {});
  virtual ~Store();

  // The connection: link tables live on it, in the same transactions.
  virtual Db& db() = 0;
  virtual const std::string& directory() const = 0;

  // The sync's long lock. A second one waits up to `wait`, then gets Errc::Busy naming the process.
  virtual Result<std::unique_ptr<FileLock>> lock_for_sync(std::chrono::milliseconds wait, std::stop_token stop) = 0;

  // Small named values: "identity" (of the remote), "uuid". Nothing for names not set.
  virtual Result<std::optional<std::string>> meta(std::string_view name) = 0;
  virtual Status set_meta(std::string_view name, std::string_view value) = 0;

  // --- reading ---
  virtual Result<std::vector<MailboxInfo>> mailboxes() = 0;  // ordered by path, INBOX first
  virtual Result<std::optional<MailboxInfo>> mailbox(MailboxId id) = 0;
  virtual Result<std::optional<MailboxInfo>> find_mailbox(const sync::Path& path) = 0;
  virtual Result<std::optional<MessageInfo>> message(MessageId id) = 0;
  // In 8 bytes a message (by date, SQLite sorts the ids; past some MB in a temporary file). The visitor
  // must not write to the store.
  virtual Status list(const ListOptions& options, const MessageVisitor& visit) = 0;
  // Octets of all contents, as they came and as they take room on disk.
  struct Sizes {
    uint64_t contents = 0, octets = 0, stored = 0;
  };
  virtual Result<Sizes> sizes() = 0;

  // The exact octets, their hash checked; Errc::Limit past `max_bytes`, Errc::Corrupt when damaged.
  virtual Result<std::string> content(ContentId id, uint64_t max_bytes = kMaxWholeContent) = 0;
  // The same in pieces of at most 1 MiB, in memory independent of the size. `sink` false: ends early,
  // OK. With `check` damage of any kind is Errc::Corrupt, but a piece was handed out by then.
  virtual Status stream(ContentId id, const std::function<bool(std::string_view)>& sink, bool check = true) = 0;
  // `length` octets from `offset`, fewer at the end. Checked by the chunks' checksums only.
  virtual Result<std::string> range(ContentId id, uint64_t offset, uint64_t length) = 0;
  // The header with its empty line, at most 1 MiB of it.
  virtual Result<std::string> header(ContentId id) = 0;

  virtual Result<std::optional<ContentId>> find_content(const Sha256Digest& sha256) = 0;
  virtual Result<std::vector<ContentId>> find_print(const sync::Id& print) = 0;  // sync::print_of(), hex

  // Contents that a rebuild, or a writer that died, left without a message: when the first was found (seconds
  // since 1970); nothing if there is none.
  virtual Result<std::optional<int64_t>> unclaimed_since() = 0;
  // Those that are still without one when a sync is complete are mail that is only here: they become
  // messages of a mailbox with this path. How many.
  virtual Result<uint64_t> recover_unclaimed(const sync::Path& path) = 0;

  // --- damage ---
  // A content that anybody's reading finds damaged is noted in twin.db, at the latest when the store goes; also by a
  // store that is open for reading only, if the disk and the file's mode allow it.
  virtual Result<Damage> damage() = 0;
  virtual Result<std::vector<Sha256Digest>> damaged_contents() = 0;
  // Which of them the server has no more; all others it has. How many messages of them were not known to be lost.
  virtual Result<uint64_t> note_lost(std::span<const Sha256Digest> lost) = 0;
  // Gives segments whose header is damaged theirs back; how many. The caller holds lock_for_sync(). Where that fails
  // the segment is read as it is, and verify() goes on telling of it.
  virtual uint64_t restore_headers() = 0;

  // --- writing ---
  // Appends the octets to a segment, buffered: not durable, not visible. No lock of SQLite is held.
  // On failure nothing of it stays and earlier staged contents are void too.
  virtual Result<Staged> stage(sync::ContentSource& source) = 0;
  virtual Result<Staged> stage(std::string_view octets) = 0;
  // What is ready already, all or none; the messages are used up.
  virtual Result<std::vector<Staged>> stage(std::span<Prepared* const> messages) = 0;
  // Forgets what was staged since the last write and gives its room back.
  virtual void discard_staged() = 0;
  // Makes all staged contents durable, then begins a transaction. Without commit() all of it is undone.
  virtual Result<std::unique_ptr<Write>> begin() = 0;

  // --- searching: the language is in search_query.h ---
  virtual Result<SearchResult> search(std::string_view query, const SearchOptions& options = {}) = 0;
  virtual Result<uint64_t> unindexed() = 0;
  // Indexes what is not indexed yet, newest first, until done, `budget` has passed or stop is asked for
  // (both are OK). How many messages were indexed. Each batch commits by itself.
  virtual Result<uint64_t> index_pending(std::chrono::milliseconds budget, const ProgressFn& progress,
                                         std::stop_token stop) = 0;

  // --- upkeep ---
  virtual Result<VerifyReport> verify(const ProgressFn& progress, std::stop_token stop) = 0;
  // Takes lock_for_sync() itself (Errc::Busy at once).
  virtual Result<CompactReport> compact(const CompactOptions& options, const ProgressFn& progress,
                                        std::stop_token stop) = 0;

  // --- runs ---
  virtual Status record_run(const Run& run) = 0;            // keeps the last kMaxRuns
  virtual Result<std::vector<Run>> runs(size_t limit) = 0;  // newest first
  virtual Result<std::optional<Run>> last_success() = 0;
};
inline constexpr size_t kMaxRuns = 1000;

// The lock of lock_for_sync(), for what must be done before a store can be opened. Makes the folder.
Result<std::unique_ptr<FileLock>> lock_store(const std::string& directory, std::chrono::milliseconds wait,
                                             std::stop_token stop);

// Takes away a store without mailboxes, messages, runs and segments, as a dry run leaves it; the folder itself if
// `with_folder`. Anything else is left alone. `lock` is what lock_store() gave; who waits for it gets one on a file
// that is there.
void remove_empty_store(const std::string& directory, const FileLock& lock, bool with_folder);

// Whether segments are there and nothing can be read of twin.db: it is missing, empty, or no database at
// all. rebuild_store() then loses nothing by making it anew. (A damaged page is another matter: much of
// what only twin.db holds may still be read.)
bool database_is_lost(const std::string& directory, const StoreOptions& options = {});

// Makes a new twin.db from the segments alone: every content, its envelope and its print. Mailboxes and
// flags come back with the next sync, which finds contents by hash or print and downloads nothing
// twice. The old twin.db is kept under another name; one of a newer version is Errc::Newer and stays.
// `lock` is what lock_store() gave.
Result<RebuildReport> rebuild_store(const std::string& directory, const FileLock& lock, const StoreOptions& options,
                                    const ProgressFn& progress, std::stop_token stop);

// One write transaction. Everything in it becomes visible with commit(), or nothing. Ids that do not
// exist: Errc::NotFound, and the transaction goes on.
class Write {
 public:
  virtual ~Write();

  // Errc::Usage for a name that is taken, empty or longer than a limit (see schema.h); `existing` of
  // find_mailbox() tells beforehand. Parents are not made. uidvalidity never repeats.
  virtual Result<MailboxId> create_mailbox(const sync::Path& path, sync::Role role = sync::Role::None) = 0;
  // Takes the mailboxes below along. Renaming INBOX moves its name only.
  virtual Status rename_mailbox(MailboxId id, const sync::Path& path) = 0;
  virtual Status set_subscribed(MailboxId id, bool subscribed) = 0;
  virtual Status set_role(MailboxId id, sync::Role role) = 0;
  virtual Status delete_mailbox(MailboxId id) = 0;  // Errc::Refused if messages are in it

  struct Placed {
    MessageId id = 0;
    uint32_t uid = 0;
  };
  virtual Result<Placed> add(MailboxId mailbox, const Staged& staged, const sync::Flags& flags,
                             std::optional<int64_t> date) = 0;
  // A message from a content the store has (a copy, or one found again by hash or print).
  virtual Result<Placed> add_known(MailboxId mailbox, ContentId content, const sync::Flags& flags,
                                   std::optional<int64_t> date) = 0;
  // The octets of a damaged content, staged again, are read from their new place from now on.
  virtual Status mend(const Staged& staged) = 0;
  // Adds and removes flags; no change, no new modseq.
  virtual Status change_flags(MessageId id, const sync::Flags& add, const sync::Flags& remove) = 0;
  virtual Result<Placed> move(MessageId id, MailboxId to) = 0;  // keeps the id
  virtual Result<Placed> copy(MessageId id, MailboxId to) = 0;
  virtual Status remove(MessageId id) = 0;  // to the quarantine
  // Out of the quarantine into the mailbox it was in (made again if missing), or another.
  virtual Result<Placed> restore(MessageId id, std::optional<MailboxId> to = std::nullopt) = 0;
  // The message at this place, 0 if there is none.
  virtual Result<MessageId> find(MailboxId mailbox, uint32_t uid) = 0;
  virtual Result<std::optional<MailboxInfo>> mailbox(MailboxId id) = 0;  // as this transaction sees it

  virtual Status commit() = 0;
};

}  // namespace libsync::store

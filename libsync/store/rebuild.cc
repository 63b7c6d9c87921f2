#include <ctime>
#include <filesystem>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/store/schema.h"
#include "libsync/store/store_impl.h"

namespace libsync::store {
namespace {

// The old database and its companions get names that nothing opens; whatever is in them can still be
// looked at.
Result<std::string> set_aside(FileSystem& fs, const std::string& path, int64_t now) {
  const std::time_t seconds = now;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  const std::string dated = fmt::format("{}.old-{:04}{:02}{:02}-{:02}{:02}{:02}", path, utc.tm_year + 1900,
                                        utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
  std::string aside = dated;
  for (int n = 2; fs.exists(aside); ++n) aside = fmt::format("{}-{}", dated, n);
  // The database first, and for certain: a crash in between must not leave it without its write-ahead log.
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const bool was_there = fs.exists(path);
  if (was_there) {
    TB_TRY(fs.rename(path, aside));
    TB_TRY(fs.sync_dir(folder));
  }
  for (const char* companion : {"-wal", "-shm"}) {
    if (fs.exists(path + companion)) TB_TRY(fs.rename(path + companion, aside + companion));
  }
  // What comes in its place must never be found beside a log that is not its own: SQLite would play it back. That goes
  // for a log that SQLite removed, too: it does not make sure of that.
  TB_TRY(fs.sync_dir(folder));
  return was_there ? aside : std::string();
}

// The head of an SQLite file (its "Database File Format", 1.3).
constexpr size_t kHeadBytes = 100;
constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr size_t kVersionAt = 60, kApplicationAt = 68;

uint32_t big_endian(std::string_view bytes, size_t at) {
  uint32_t out = 0;
  for (size_t i = 0; i < 4; ++i) out = out << 8 | static_cast<uint8_t>(bytes[at + i]);
  return out;
}

// Empty when there is no such file, or nothing of a database in it; nothing when it can't be read.
std::optional<std::string> database_head(FileSystem& fs, const std::string& path) {
  if (!fs.exists(path)) return std::string();
  auto head = head_of_file(path, kHeadBytes);
  if (head && (head->size() < kHeadBytes || !head->starts_with(kMagic))) head->clear();
  return head;
}

// Read from the head alone: a damaged file of a newer version is still not this version's to replace.
Status refuse_newer(FileSystem& fs, const std::string& path) {
  const auto head = database_head(fs, path);
  if (!head || head->empty() || big_endian(*head, kApplicationAt) != kApplicationId) return {};
  const uint32_t version = big_endian(*head, kVersionAt);
  if (version <= kSchemaVersion) return {};
  return fail(newer_format(path, version));
}

Status remove_database(FileSystem& fs, const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    if (fs.exists(path + suffix)) TB_TRY(fs.remove(path + suffix));
  }
  return {};
}

// A segment without a header, and with no frame behind it that could tell what was in it. One too short to hold a
// frame is what a writer left that died while it made the file: nothing was in it.
Status note_unreadable(FileSystem& fs, const std::string& path, const Error& error, RebuildReport& report) {
  TB_ASSIGN(const auto file, fs.open(path, OpenMode::Read));
  TB_ASSIGN(const uint64_t size, file->size());
  if (size > kSegmentHeaderBytes) report.unreadable.push_back(say("{} ({})", error.what, human_size(size)));
  return {};
}

Result<RebuildReport> adopt_all(FileSystem& fs, Db& db, Contents& contents, int64_t now, const ProgressFn& progress,
                                std::stop_token stop) {
  RebuildReport report;
  MailReader mail;
  TB_ASSIGN(const auto numbers, contents.on_disk());
  Progress state{.total = numbers.size()};
  for (const uint32_t number : numbers) {
    if (stop.stop_requested()) return fail(Errc::Cancelled, std::string(word("stopped")));
    const auto segment = contents.open(number);
    if (!segment && segment.error().code != Errc::Corrupt) return fail(segment.error());
    if (!segment) {
      TB_TRY(note_unreadable(fs, contents.path(number), segment.error(), report));
      continue;
    }
    TB_ASSIGN(auto transaction, Transaction::begin(db));
    TB_ASSIGN(const Adopted adopted, adopt(db, mail, **segment, kSegmentHeaderBytes, now));
    TB_TRY(transaction.commit());
    if ((*segment)->header_damaged) (void)contents.restore_header(number);  // where it can't be, verify tells
    report.damaged_frames += adopted.damaged;
    state.octets += adopted.octets;
    ++state.done;
    if (progress) progress(state);
  }
  TB_ASSIGN(auto s, db.prepare("SELECT count(*), coalesce(sum(size),0) FROM content"));
  TB_TRY(s.step());
  report.contents = static_cast<uint64_t>(s.integer(0));
  report.octets = static_cast<uint64_t>(s.integer(1));
  return report;
}

}  // namespace

bool database_is_lost(const std::string& directory, const StoreOptions& options) {
  RealFileSystem real;
  FileSystem& fs = options.fs != nullptr ? *options.fs : real;
  if (!fs.exists(contents_path(directory))) return false;
  const std::string path = database_path(directory);
  const auto head = database_head(fs, path);
  if (!head) return false;
  // What a copy gets of a new store whose tables were in the write-ahead log alone, if the log was gone when its turn
  // came.
  const bool without_tables = !head->empty() && big_endian(*head, kApplicationAt) == 0 && !fs.exists(path + "-wal");
  if (!head->empty() && !without_tables) return false;
  const auto segments = Contents(fs, contents_path(directory), options.segment_bytes).on_disk();
  return segments && !segments->empty();
}

Result<std::unique_ptr<FileLock>> lock_store(const std::string& directory, std::chrono::milliseconds wait,
                                             std::stop_token stop) {
  RealFileSystem fs;
  while (true) {
    TB_TRY(fs.make_dirs(directory));
    auto lock = FileLock::acquire(lock_path(directory), wait, stop);
    // Between the two lines another process may have taken an empty store away, with its folder.
    if (lock || lock.error().code != Errc::NotFound || stop.stop_requested()) return lock;
  }
}

Result<RebuildReport> rebuild_store(const std::string& directory, const FileLock&, const StoreOptions& options,
                                    const ProgressFn& progress, std::stop_token stop) {
  RealFileSystem real;
  FileSystem& fs = options.fs != nullptr ? *options.fs : real;
  SystemClock system;
  const int64_t now = (options.clock != nullptr ? *options.clock : static_cast<const Clock&>(system)).unix_seconds();
  if (!fs.exists(contents_path(directory))) return fail(Errc::NotFound, say("{}: no store there", directory));

  // The new one is complete before the old one moves: killed anywhere, a rebuild can be run again.
  const std::string path = database_path(directory);
  TB_TRY(refuse_newer(fs, path));
  const std::string fresh = path + ".rebuild";
  TB_TRY(remove_database(fs, fresh));
  RebuildReport report;
  {
    StoreOptions writable = options;
    writable.mode = StoreMode::Create;
    TB_ASSIGN(auto db, open_database(fresh, writable));
    Contents contents(fs, contents_path(directory), options.segment_bytes);
    // Rows are about to point into what may be the work of a process that died before it synced the names.
    TB_TRY(fs.sync_dir(contents_path(directory)));
    TB_TRY(sync_parents(fs, contents_path(directory)));
    TB_ASSIGN(report, adopt_all(fs, *db, contents, now, progress, stop));
    TB_TRY(db->exec("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode=DELETE"));
  }
  TB_ASSIGN(report.old_database, set_aside(fs, path, now));
  TB_TRY(fs.rename(fresh, path));
  TB_TRY(fs.sync_dir(directory));
  return report;
}

}  // namespace libsync::store

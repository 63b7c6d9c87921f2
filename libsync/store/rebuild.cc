#include <fmt/format.h>

#include "libsync/base/words.h"
#include "libsync/store/store_impl.h"

namespace libsync::store {
namespace {

// The old database and its companions get names that nothing opens; whatever is in them can still be
// looked at.
Result<std::string> set_aside(FileSystem& fs, const std::string& path, int64_t now) {
  std::string aside = fmt::format("{}.damaged-{}", path, now);
  while (fs.exists(aside)) aside += "x";
  // The database first: a crash in between must not leave it without its write-ahead log.
  const bool was_there = fs.exists(path);
  if (was_there) TB_TRY(fs.rename(path, aside));
  for (const char* companion : {"-wal", "-shm"}) {
    if (fs.exists(path + companion)) TB_TRY(fs.rename(path + companion, aside + companion));
  }
  return was_there ? aside : std::string();
}

Status remove_database(FileSystem& fs, const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    if (fs.exists(path + suffix)) TB_TRY(fs.remove(path + suffix));
  }
  return {};
}

Result<RebuildReport> adopt_all(Db& db, Contents& contents, int64_t now, const ProgressFn& progress,
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
      ++report.damaged_frames;  // without its header nothing in it can be told from a message's own octets
      continue;
    }
    TB_ASSIGN(auto transaction, Transaction::begin(db));
    TB_ASSIGN(const Adopted adopted, adopt(db, mail, **segment, kSegmentHeaderBytes, now));
    TB_TRY(transaction.commit());
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
  if (fs.exists(database_path(directory)) || !fs.exists(contents_path(directory))) return false;
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
  const std::string fresh = path + ".rebuild";
  TB_TRY(remove_database(fs, fresh));
  RebuildReport report;
  {
    StoreOptions writable = options;
    writable.mode = StoreMode::Create;
    TB_ASSIGN(auto db, open_database(fresh, writable));
    Contents contents(fs, contents_path(directory), options.segment_bytes);
    TB_ASSIGN(report, adopt_all(*db, contents, now, progress, stop));
    TB_TRY(db->exec("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode=DELETE"));
  }
  TB_ASSIGN(report.old_database, set_aside(fs, path, now));
  TB_TRY(fs.rename(fresh, path));
  TB_TRY(fs.sync_dir(directory));
  return report;
}

}  // namespace libsync::store

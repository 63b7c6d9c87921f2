#include "libsync/store/store.h"

#include <algorithm>
#include <filesystem>
#include <random>

#include <fmt/format.h>

#include "libsync/base/words.h"
#include "libsync/store/schema.h"
#include "libsync/store/store_impl.h"
#include "libsync/store/tokenizer.h"
#include "libsync/sync/print.h"

namespace libsync::store {
namespace {

// Small messages are hashed before they are appended: one that is known is not written at all.
constexpr size_t kWholeBytes = kChunkBytes;

FileSystem* or_default(FileSystem* given, FileSystem& real) { return given != nullptr ? given : &real; }

std::string new_uuid() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

class ViewSource final : public sync::ContentSource {
 public:
  explicit ViewSource(std::string_view octets) : octets_(octets), size_(octets.size()) {}
  decltype(std::declval<const sync::ContentSource&>().size()) size() const override { return size_; }
  Result<std::string_view> next() override {
    const std::string_view piece = octets_.substr(0, kChunkBytes);
    octets_.remove_prefix(piece.size());
    return piece;
  }

 private:
  std::string_view octets_;
  uint64_t size_;
};

}  // namespace

Store::~Store() = default;
Write::~Write() = default;

std::string database_path(const std::string& directory) { return directory + "/twin.db"; }
std::string contents_path(const std::string& directory) { return directory + "/content"; }
std::string lock_path(const std::string& directory) { return directory + "/sync.lock"; }

Result<std::unique_ptr<Store>> Store::open(const std::string& directory, const StoreOptions& options) {
  auto store = std::make_unique<StoreImpl>(directory, options);
  TB_TRY(store->open());
  return store;
}

StoreImpl::StoreImpl(std::string directory, const StoreOptions& options)
    : directory_(std::move(directory)),
      options_(options),
      fs_(or_default(options.fs, real_fs_)),
      clock_(options.clock != nullptr ? options.clock : &system_clock_),
      contents_(*fs_, contents_path(directory_), options.segment_bytes) {}

namespace {

// SQLite makes its files as the umask says, and the two beside the database with the database's mode. In them are
// subjects, addresses and every word: for the owner alone, whatever the folder allows. The file is not opened
// where it exists: closing it would drop the locks that SQLite has on it in this process.
Status keep_private(const std::string& path, const StoreOptions& options) {
  RealFileSystem real;
  FileSystem& fs = *or_default(options.fs, real);
  if (!fs.exists(path)) TB_TRY(fs.open(path, OpenMode::CreateNew));
  using std::filesystem::perms;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::error_code none;  // somebody else's file: opening it tells
    std::filesystem::permissions(path + suffix, perms::group_all | perms::others_all,
                                 std::filesystem::perm_options::remove, none);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Db>> open_database(const std::string& path, const StoreOptions& options) {
  return open_database(path, options, options.mode == StoreMode::ReadOnly ? DbMode::ReadOnly : DbMode::ReadWrite);
}

Result<std::unique_ptr<Db>> open_database(const std::string& path, const StoreOptions& options, DbMode mode) {
  const bool writes = mode == DbMode::ReadWrite;
  if (writes) TB_TRY(keep_private(path, options));
  TB_ASSIGN(auto db, Db::open(path, mode, options.busy_ms));
  TB_TRY(register_tokenizer(*db));
  TB_TRY(migrate(*db, path, writes));
  return db;
}

// A disk that is full, or a backup that can't be written to, keeps nobody from reading, though SQLite can't make its
// two files beside the database. Where a log is left, it reads that without them. Where none is, nobody writes; a
// sync that comes now waits until all is read.
Result<std::unique_ptr<Db>> StoreImpl::open_to_read(const std::string& path) {
  auto opened = open_database(path, options_, DbMode::ReadOnly);
  if (opened || opened.error().code != Errc::Disk) return opened;
  const auto has_log = [&] {
    std::error_code missing;
    return std::filesystem::file_size(path + "-wal", missing) > 0 && !missing;
  };
  if (has_log()) {
    auto again = open_database(path, options_, DbMode::ReadOnlyDisk);
    return again ? std::move(again) : std::move(opened);
  }
  auto lock = FileLock::share(lock_path(directory_));
  if (lock ? *lock == nullptr : lock.error().code != Errc::NotFound) return opened;
  if (lock) reading_ = *std::move(lock);
  if (has_log()) return opened;
  auto again = open_database(path, options_, DbMode::Frozen);
  return again ? std::move(again) : std::move(opened);
}

Status StoreImpl::open() {
  const std::string path = database_path(directory_);
  TB_TRY(check_database_is_there(path));
  if (options_.mode == StoreMode::Create) {
    TB_TRY(fs_->make_dirs(contents_path(directory_)));
    // Folders of a process that died in here are there, and may not be for certain. Who finds twin.db need not ask.
    if (!fs_->exists(path)) TB_TRY(sync_parents(*fs_, contents_path(directory_)));
  }
  if (read_only()) {
    TB_ASSIGN(db_, open_to_read(path));
    return {};
  }
  TB_ASSIGN(db_, open_database(path, options_));
  TB_ASSIGN(const auto uuid, meta("uuid"));
  return uuid ? Status{} : set_meta("uuid", new_uuid());
}

Status StoreImpl::check_database_is_there(const std::string& path) {
  if (!fs_->exists(path)) {
    // A folder that may not be entered looks like one without a store, and is something else.
    if (const auto names = fs_->list(directory_); !names && names.error().code != Errc::NotFound) {
      return fail(
          Error{.code = names.error().code,
                .what = names.error().what,
                .hint = say("the store's folder can't be read; see its owner and mode: ls -ld {}", directory_)});
    }
  }
  if (database_is_lost(directory_, options_)) {
    return fail(Errc::Corrupt, fs_->exists(path)
                                   ? say("{}: not a database, but mail is stored beside it", path)
                                   : say("{}: twin.db is missing, but mail is stored beside it", directory_));
  }
  if (!fs_->exists(path) && options_.mode != StoreMode::Create) {
    return fail(Errc::NotFound, say("{}: no store there", directory_));
  }
  return {};
}

Result<std::unique_ptr<FileLock>> StoreImpl::lock_for_sync(std::chrono::milliseconds wait, std::stop_token stop) {
  return FileLock::acquire(lock_path(directory_), wait, std::move(stop));
}

Result<std::optional<std::string>> StoreImpl::meta(std::string_view name) {
  TB_ASSIGN(auto s, db_->prepare("SELECT value FROM meta WHERE name=?"));
  TB_ASSIGN(const bool row, s.bind(name).step());
  if (!row) return std::nullopt;
  return std::string(s.text(0));
}

Status StoreImpl::set_meta(std::string_view name, std::string_view value) {
  TB_ASSIGN(auto s,
            db_->prepare("INSERT INTO meta(name, value) VALUES(?1,?2) ON CONFLICT(name) DO UPDATE SET value=?2"));
  return s.bind(name, value).run();
}

Status StoreImpl::require_writable() const {
  if (read_only()) return fail(Errc::Internal, "the store is open for reading only");
  return {};
}

// --- staging ---

Result<std::optional<Staged>> StoreImpl::already(const Sha256Digest& sha256, std::optional<ContentId> known) {
  if (const auto found = staged_.find(sha256); found != staged_.end()) {
    const FramePlace& place = found->second;
    return Staged{.sha256 = sha256,
                  .segment = place.segment,
                  .offset = place.offset,
                  .stored = place.stored,
                  .codec = static_cast<uint8_t>(place.codec)};
  }
  if (!known) return std::nullopt;
  // The octets in hand may be the only whole ones: the stored ones are read before these are given up.
  const Status whole = stream(*known, [](std::string_view) { return true; }, true);
  if (whole) return Staged{.sha256 = sha256, .known = true};
  // Disk: a sector that can't be read any more is damage too.
  const Errc code = whole.error().code;
  if (code == Errc::Corrupt || code == Errc::NotFound || code == Errc::Disk) return std::nullopt;
  return fail(whole.error());
}

Staged StoreImpl::note(const FramePlace& place, const Sha256Digest& sha256, uint64_t size, std::string_view head) {
  staged_.emplace(sha256, place);
  const std::string_view header = header_of(head);
  return {.sha256 = sha256,
          .size = size,
          .print = sync::print_of(header, size),
          .envelope = mail_.columns(header),
          .segment = place.segment,
          .offset = place.offset,
          .stored = place.stored,
          .codec = static_cast<uint8_t>(place.codec)};
}

Result<Staged> StoreImpl::stage_stream(std::string_view first, sync::ContentSource& source) {
  TB_ASSIGN(SegmentWriter * writer, contents_.writer(*db_, mail_, now()));
  const uint64_t start = writer->length();
  std::string head;
  const auto copy = [&]() -> Result<SegmentWriter::Ended> {
    writer->begin_frame();
    for (std::string_view piece = first; !piece.empty();) {
      if (head.size() < sync::kMaxPrintHeader) head += piece.substr(0, sync::kMaxPrintHeader - head.size());
      TB_TRY(writer->add(piece));
      TB_ASSIGN(piece, source.next());
    }
    return writer->end_frame();
  };
  auto ended = copy();
  if (!ended) {
    discard_staged();
    return fail(ended.error());
  }
  TB_ASSIGN(const auto content, find_content(ended->sha256));
  TB_ASSIGN(auto known, already(ended->sha256, content));
  Staged staged = note(ended->place, ended->sha256, ended->size, head);
  if (!known) return staged;
  // The octets are there already: this copy goes.
  if (auto cut = writer->truncate(start); !cut) {
    discard_staged();
    return fail(cut.error());
  }
  staged.known = known->known;
  if (known->known) staged_.erase(ended->sha256);
  staged.segment = known->segment;
  staged.offset = known->offset;
  staged.stored = known->stored;
  staged.codec = known->codec;
  return staged;
}

Result<Staged> StoreImpl::stage(std::string_view octets) {
  if (octets.size() <= kWholeBytes) return stage_whole(octets);
  ViewSource source(octets);
  return stage(source);
}

Result<Staged> StoreImpl::stage_whole(std::string_view octets) {
  TB_TRY(require_writable());
  Prepared message = preparer_.prepare(octets);
  TB_ASSIGN(const auto known, find_content(message.sha256));
  return stage_one(std::move(message), known);
}

Result<std::vector<Staged>> StoreImpl::stage(std::span<Prepared* const> messages) {
  TB_TRY(require_writable());
  std::vector<std::optional<ContentId>> known(messages.size());
  {
    // One look at the database for all of them: each by itself would lock it anew.
    TB_ASSIGN(const auto snapshot, Transaction::begin_deferred(*db_));
    for (size_t i = 0; i < messages.size(); ++i) {
      TB_ASSIGN(known[i], find_content(messages[i]->sha256));
    }
  }
  std::vector<Staged> out;
  out.reserve(messages.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    TB_ASSIGN(Staged staged, stage_one(std::move(*messages[i]), known[i]));
    out.push_back(std::move(staged));
  }
  return out;
}

Result<Staged> StoreImpl::stage_one(Prepared message, std::optional<ContentId> known) {
  TB_ASSIGN(auto staged, already(message.sha256, known));
  if (!staged) {
    TB_ASSIGN(SegmentWriter * writer, contents_.writer(*db_, mail_, now()));
    auto place = writer->append(message);
    if (!place) {
      discard_staged();
      return fail(place.error());
    }
    staged_.emplace(message.sha256, *place);
    staged = Staged{.sha256 = message.sha256,
                    .segment = place->segment,
                    .offset = place->offset,
                    .stored = place->stored,
                    .codec = static_cast<uint8_t>(place->codec)};
  }
  staged->size = message.size;
  staged->print = std::move(message.print);
  staged->envelope = std::move(message.envelope);
  return *std::move(staged);
}

Result<Staged> StoreImpl::stage(sync::ContentSource& source) {
  TB_TRY(require_writable());
  std::string gathered;
  while (gathered.size() <= kWholeBytes) {
    auto piece = source.next();
    if (!piece) {
      discard_staged();
      return fail(piece.error());
    }
    // A source that has everything in one piece needs no copy of it.
    if (gathered.empty() && piece->size() <= kWholeBytes && std::optional<uint64_t>(source.size()) == piece->size()) {
      return stage_whole(*piece);
    }
    if (piece->empty()) return stage_whole(gathered);
    gathered += *piece;
  }
  return stage_stream(gathered, source);
}

void StoreImpl::discard_staged() {
  staged_.clear();
  contents_.roll_back();
}

void StoreImpl::after_commit() {
  staged_.clear();
  if (contents_.current() != nullptr) contents_.committed(contents_.current()->length());
}

Result<std::unique_ptr<Write>> StoreImpl::begin() {
  TB_TRY(require_writable());
  if (contents_.current() != nullptr) {
    if (auto synced = contents_.current()->sync(); !synced) {
      // What the kernel could not write it may have forgotten: this segment's end is not to be trusted.
      discard_staged();
      contents_.abandon();
      return fail(synced.error());
    }
  }
  auto transaction = Transaction::begin(*db_);
  if (!transaction) {
    discard_staged();
    return fail(transaction.error());
  }
  SegmentWriter* writer = contents_.current();
  if (writer != nullptr && writer->length() > contents_.committed()) {
    if (auto set = set_segment_length(*db_, writer->number(), writer->length()); !set) {
      discard_staged();
      return fail(set.error());
    }
  }
  return make_write(*this, std::move(*transaction));
}

}  // namespace libsync::store

#include "libsync/store/contents.h"

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/print.h"

namespace libsync::store {
namespace {

constexpr size_t kMaxOpenSegments = 64;    // 16 GB of mail read at random; far from any limit on descriptors
constexpr size_t kClaimTries = 8;          // newest segments looked at before a new one is made
constexpr size_t kMaxHeadBytes = 1 << 20;  // of a message, for its envelope
constexpr std::string_view kSuffix = ".seg";
constexpr std::string_view kFreshSuffix = ".fresh";  // behind kSuffix: no segment yet
constexpr uint32_t kMaxSegment = 99'999'999;         // eight digits of 256 MB each

uint64_t random_key() {
  std::random_device random;
  return static_cast<uint64_t>(random()) << 32 | random();
}

// A few damaged octets at the head of a file are no reason to give up the mail behind them: each frame has the key.
Result<std::optional<uint64_t>> first_frame_key(File& file) {
  std::string bytes(kFrameHeaderBytes, '\0');
  TB_ASSIGN(const size_t got, file.read_at(kSegmentHeaderBytes, bytes));
  return key_of_frame(std::string_view(bytes).substr(0, got));
}

}  // namespace

std::string Contents::file_name(uint32_t number) { return fmt::format("{:08}{}", number, kSuffix); }

std::optional<uint32_t> Contents::number_of(const std::string& file_name) {
  if (!file_name.ends_with(kSuffix)) return std::nullopt;
  const auto number = parse_u64(file_name.substr(0, file_name.size() - kSuffix.size()));
  if (!number || *number == 0 || *number > kMaxSegment) return std::nullopt;
  const auto small = static_cast<uint32_t>(*number);
  if (Contents::file_name(small) != file_name) return std::nullopt;
  return small;
}

Result<std::vector<uint32_t>> Contents::on_disk() {
  TB_ASSIGN(const auto names, fs_.list(folder_));
  std::vector<uint32_t> numbers;
  for (const auto& name : names) {
    if (const auto number = number_of(name)) numbers.push_back(*number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

Result<Contents::Open*> Contents::open(uint32_t number) {
  if (const auto found = open_.find(number); found != open_.end()) return &found->second;
  if (open_.size() >= kMaxOpenSegments) open_.erase(open_.begin());
  Open segment{.file = nullptr, .path = path(number), .header = {}};
  TB_ASSIGN(segment.file, fs_.open(segment.path, OpenMode::Read));
  if (auto header = read_segment_header(*segment.file, segment.path)) {
    segment.header = *header;
  } else {
    if (header.error().code != Errc::Corrupt) return fail(header.error());
    TB_ASSIGN(const auto key, first_frame_key(*segment.file));
    if (!key) return fail(header.error());
    segment.header = {.number = number, .key = *key};
    segment.header_damaged = true;
  }
  if (segment.header.number != number) {
    return fail(Errc::Corrupt, say("{}: holds segment {}", segment.path, segment.header.number));
  }
  return &open_.emplace(number, std::move(segment)).first->second;
}

Status Contents::copy_with_header(Open& segment, const std::string& to) {
  TB_ASSIGN(const auto copy, fs_.open(to, OpenMode::CreateNew));
  TB_TRY(copy->write_at(0, encode(segment.header)));
  std::string piece;
  for (uint64_t at = kSegmentHeaderBytes;; at += piece.size()) {
    piece.resize(kChunkBytes);
    TB_ASSIGN(const size_t got, segment.file->read_at(at, piece));
    piece.resize(got);
    if (piece.empty()) break;
    TB_TRY(copy->write_at(at, piece));
  }
  TB_TRY(copy->sync());
  TB_TRY(fs_.rename(to, segment.path));
  return fs_.sync_dir(folder_);
}

Status Contents::remove_unfinished() {
  TB_ASSIGN(const auto names, fs_.list(folder_));
  for (const auto& name : names) {
    if (name.ends_with(kFreshSuffix)) TB_TRY(fs_.remove(folder_ + "/" + name));
  }
  return {};
}

Result<bool> Contents::restore_header(uint32_t number) {
  TB_ASSIGN(Open * segment, open(number));
  if (!segment->header_damaged) return false;
  TB_ASSIGN(const auto lock, FileLock::attempt(path(number), false));
  if (!lock) return false;
  // What was opened before the lock may be another file than is there now.
  forget(number);
  TB_ASSIGN(segment, open(number));
  if (!segment->header_damaged) return false;
  TB_ASSIGN(const auto proof, SegmentScan(*segment->file, segment->path, segment->header).next(0));
  if (!proof) return false;
  const std::string fresh = segment->path + std::string(kFreshSuffix);
  if (fs_.exists(fresh)) TB_TRY(fs_.remove(fresh));  // of one that was killed
  if (auto copied = copy_with_header(*segment, fresh); !copied) {
    (void)fs_.remove(fresh);  // the error to tell is the first one
    return fail(copied.error());
  }
  forget(number);
  return true;
}

Result<std::unique_ptr<FrameReader>> Contents::read(const FramePlace& place) {
  TB_ASSIGN(Open * segment, open(place.segment));
  // A small message comes with one read.
  const size_t ahead = std::min<uint64_t>(std::max<uint64_t>(place.stored, 4096), kChunkBytes + kFrameHeaderBytes);
  return std::make_unique<FrameReader>(*segment->file, segment->path, segment->header.key, place.offset, ahead,
                                       &unpacker_);
}

Result<SegmentWriter*> Contents::writer(Db& db, MailReader& mail, int64_t now) {
  // A transaction must not be spread over segments, so a full one is left only where nothing is pending.
  if (writer_ && (writer_->length() < segment_bytes_ || writer_->length() > committed_)) return writer_.get();
  abandon();
  std::vector<uint32_t> candidates;
  {
    TB_ASSIGN(auto s, db.prepare("SELECT id FROM segment WHERE length BETWEEN 1 AND ?-1 ORDER BY id DESC LIMIT ?"));
    s.bind(segment_bytes_, kClaimTries);
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) break;
      candidates.push_back(static_cast<uint32_t>(s.integer(0)));
    }
  }
  for (const uint32_t number : candidates) {
    TB_ASSIGN(const bool mine, claim(db, mail, number, now));
    if (mine) return writer_.get();
  }
  TB_TRY(create(db));
  return writer_.get();
}

Result<bool> Contents::claim(Db& db, MailReader& mail, uint32_t number, int64_t now) {
  auto lock = FileLock::attempt(path(number), false);
  if (!lock || !*lock) return false;  // in use, missing or not ours to write: another will do
  auto segment = open(number);
  if (!segment || (*segment)->header_damaged) return false;  // for verify to tell
  uint64_t length = 0;
  {
    TB_ASSIGN(auto s, db.prepare("SELECT length FROM segment WHERE id=?"));
    TB_ASSIGN(const bool row, s.bind(number).step());
    if (!row) return false;
    length = static_cast<uint64_t>(s.integer(0));
  }
  TB_ASSIGN(const uint64_t size, (*segment)->file->size());
  if (size < length) return false;
  // The file may have got its name from a process that died before it synced that; what comes into it hangs on it.
  TB_TRY(fs_.sync_dir(folder_));
  if (size > length) {
    TB_ASSIGN(auto transaction, Transaction::begin(db));
    TB_ASSIGN(const Adopted adopted, adopt(db, mail, **segment, length, now));
    TB_TRY(transaction.commit());
    length = adopted.end;
  }
  TB_ASSIGN(writer_, SegmentWriter::resume(fs_, path(number), (*segment)->header, length));
  lock_ = std::move(*lock);
  committed_ = length;
  return true;
}

Status Contents::create(Db& db) {
  uint32_t number = 0;
  {
    TB_ASSIGN(auto s, db.prepare("SELECT coalesce(max(seq),0) FROM sqlite_sequence WHERE name='segment'"));
    TB_TRY(s.step());
    number = static_cast<uint32_t>(s.integer(0));
  }
  TB_ASSIGN(const auto there, on_disk());
  if (!there.empty()) number = std::max(number, there.back());
  // Another process may take the same number at the same moment: then the next one.
  for (size_t attempt = 0;; ++attempt) {
    do {
      ++number;
    } while (fs_.exists(path(number)));
    if (number > kMaxSegment) return fail(Errc::Limit, say("{}: no more segments can be made", folder_));
    auto made = SegmentWriter::create(fs_, folder_, path(number), {.number = number, .key = random_key()});
    if (!made && attempt < kClaimTries && fs_.exists(path(number))) continue;
    if (!made) return fail(made.error());
    TB_ASSIGN(auto lock, FileLock::attempt(path(number), false));
    if (!lock) continue;
    writer_ = std::move(*made);
    lock_ = std::move(lock);
    committed_ = kSegmentHeaderBytes;
    return {};
  }
}

void Contents::roll_back() {
  if (writer_ && !writer_->truncate(committed_)) abandon();
}

void Contents::abandon() {
  writer_.reset();
  lock_.reset();
}

Result<Adopted> adopt(Db& db, MailReader& mail, Contents::Open& segment, uint64_t offset, int64_t now) {
  // A writer that died may have left frames that were never synced; rows must not be ahead of them.
  TB_TRY(segment.file->sync());
  SegmentScan scan(*segment.file, segment.path, segment.header, offset);
  Adopted adopted;
  while (true) {
    TB_ASSIGN(const auto frame, scan.next(kMaxHeadBytes));
    if (!frame) break;
    const std::string_view header = header_of(frame->head);
    const EnvelopeColumns envelope = mail.columns(header);
    const sync::Id print = sync::print_of(header, frame->trailer.size);
    TB_TRY(insert_content(db, {.sha256 = frame->trailer.sha256,
                               .place = frame->place,
                               .size = frame->trailer.size,
                               .print = print,
                               .envelope = &envelope,
                               .idle_since = now}));
    ++adopted.contents;
    adopted.octets += frame->trailer.size;
  }
  adopted.damaged = scan.damaged();
  adopted.end = scan.valid_end();
  TB_TRY(set_segment_length(db, segment.header.number, adopted.end));
  return adopted;
}

}  // namespace libsync::store

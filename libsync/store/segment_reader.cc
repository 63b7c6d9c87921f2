#include "libsync/store/segment_reader.h"

#include <algorithm>

#include <zstd.h>

#include "libsync/base/words.h"

namespace libsync::store {
namespace {

constexpr size_t kHeadsOnly = 4096;  // where chunks are passed over, what is in them need not be read

}  // namespace

Result<std::string_view> ReadWindow::view(uint64_t offset, size_t length) {
  if (offset < base_ || offset + length > base_ + buffer_.size()) {
    buffer_.resize(std::max(length, ahead_));
    base_ = offset;
    auto got = file_.read_at(offset, buffer_);
    buffer_.resize(got ? *got : 0);
    if (!got) return fail(got.error());
  }
  return std::string_view(buffer_).substr(offset - base_, length);
}

Result<SegmentHeader> read_segment_header(File& file, const std::string& path) {
  std::string bytes(kSegmentHeaderBytes, '\0');
  TB_ASSIGN(const size_t got, file.read_at(0, bytes));
  const auto header = decode_segment_header(std::string_view(bytes).substr(0, got));
  if (!header) return fail(Errc::Corrupt, say("{}: not a segment file, or its header is damaged", path));
  if (header->version > kSegmentVersion) {
    return fail(Errc::Newer, say("{}: written by a newer version of twinbox (format {})", path, header->version));
  }
  return *header;
}

Unpacker::~Unpacker() { ZSTD_freeDCtx(zstd_); }

bool Unpacker::unpack(std::string_view stored, std::span<char> octets) {
  if (zstd_ == nullptr) zstd_ = ZSTD_createDCtx();
  const size_t got = ZSTD_decompressDCtx(zstd_, octets.data(), octets.size(), stored.data(), stored.size());
  return ZSTD_isError(got) == 0 && got == octets.size();
}

Status FrameReader::damaged(std::string_view what) const {
  return fail(Errc::Corrupt, say("{}: the frame at {} is damaged: {}", path_, begin_, what));
}

Status FrameReader::start() {
  if (started_) return {};
  TB_ASSIGN(const std::string_view bytes, window_.view(at_, kFrameHeaderBytes));
  const auto codec = decode_frame_header(bytes, key_);
  if (!codec) return damaged(word("no frame header"));
  codec_ = *codec;
  at_ += kFrameHeaderBytes;
  started_ = true;
  return {};
}

Result<bool> FrameReader::head(ChunkHeader& header) {
  TB_TRY(start());
  if (ended_) return false;
  TB_ASSIGN(const std::string_view bytes, window_.view(at_, kChunkHeaderBytes));
  const auto found = decode_chunk_header(bytes);
  if (!found) return fail(damaged(word("no chunk header")).error());
  header = *found;
  if (header.raw > 0) return true;
  TB_ASSIGN(const std::string_view last, window_.view(at_, kTrailerBytes));
  const auto trailer = decode_trailer(last);
  if (!trailer) return fail(damaged(word("no trailer")).error());
  at_ += kTrailerBytes;
  if (trailer->size != octets_ || trailer->stored != at_ - begin_) {
    return fail(damaged(word("its lengths don't fit")).error());
  }
  trailer_ = *trailer;
  ended_ = true;
  return false;
}

Result<std::string_view> FrameReader::unpack(const ChunkHeader& header, std::string_view stored) {
  if (header.stored == header.raw) return stored;
  unpacked_.resize(header.raw);
  if (!unpacker_.unpack(stored, unpacked_)) return fail(damaged(word("a chunk does not unpack")).error());
  return unpacked_;
}

Result<std::optional<std::string_view>> FrameReader::next() {
  ChunkHeader header;
  TB_ASSIGN(const bool more, head(header));
  if (!more) return std::nullopt;
  TB_ASSIGN(const std::string_view bytes, window_.view(at_, kChunkHeaderBytes + header.stored));
  const std::string_view stored = bytes.substr(std::min(kChunkHeaderBytes, bytes.size()));
  if (!chunk_is_whole(bytes, header, stored)) return fail(damaged(word("a chunk's checksum is wrong")).error());
  at_ += kChunkHeaderBytes + header.stored;
  octets_ += header.raw;
  TB_ASSIGN(const std::string_view octets, unpack(header, stored));
  return octets;
}

Result<uint64_t> FrameReader::skip_to(uint64_t octet) {
  const size_t ahead = window_.ahead();
  if (octet >= octets_ + kChunkBytes) window_.set_ahead(kHeadsOnly);
  while (true) {
    ChunkHeader header;
    TB_ASSIGN(const bool more, head(header));
    if (!more || octets_ + header.raw > octet) break;
    at_ += kChunkHeaderBytes + header.stored;
    octets_ += header.raw;
  }
  window_.set_ahead(ahead);
  return octets_;
}

SegmentScan::SegmentScan(File& file, std::string path, const SegmentHeader& header, uint64_t offset)
    : file_(file), path_(std::move(path)), header_(header), at_(offset), valid_(offset) {}

Result<std::optional<ScannedFrame>> SegmentScan::read_at(uint64_t offset, size_t head_bytes) {
  FrameReader reader(file_, path_, header_.key, offset);
  ScannedFrame frame;
  Sha256 hash;
  while (true) {
    auto octets = reader.next();
    if (!octets && octets.error().code == Errc::Corrupt) return std::nullopt;
    if (!octets) return fail(octets.error());
    if (!*octets) break;
    hash.update(**octets);
    if (frame.head.size() < head_bytes) frame.head += (*octets)->substr(0, head_bytes - frame.head.size());
  }
  if (hash.finish() != reader.trailer().sha256) return std::nullopt;
  frame.trailer = reader.trailer();
  frame.place = {.segment = header_.number, .offset = offset, .stored = reader.end() - offset, .codec = reader.codec()};
  return frame;
}

Result<std::optional<uint64_t>> SegmentScan::find_mark(uint64_t from) {
  const std::string mark = frame_mark(header_.key);
  std::string piece;
  while (true) {
    piece.resize(kChunkBytes);
    TB_ASSIGN(const size_t got, file_.read_at(from, piece));
    piece.resize(got);
    if (const size_t at = piece.find(mark); at != piece.npos) return from + at;
    if (got < kChunkBytes) return std::nullopt;
    from += got - mark.size() + 1;
  }
}

Result<std::optional<ScannedFrame>> SegmentScan::next(size_t head_bytes) {
  while (true) {
    TB_ASSIGN(const uint64_t size, file_.size());
    if (at_ >= size) return std::nullopt;
    TB_ASSIGN(auto frame, read_at(at_, head_bytes));
    if (frame) {
      at_ += frame->place.stored;
      valid_ = at_;
      return frame;
    }
    ++damaged_;
    TB_ASSIGN(const auto mark, find_mark(at_ + 1));
    at_ = mark ? *mark : size;
  }
}

}  // namespace libsync::store

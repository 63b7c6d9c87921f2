#include "libsync/store/segment_format.h"

#include <algorithm>

#include "libsync/store/crc32c.h"

namespace libsync::store {
namespace {

constexpr std::string_view kSegmentMagic = "twinseg\x1A";
constexpr std::string_view kFrameMagic = "TFr\x01";
constexpr std::string_view kTrailerMark{"\0\0\0\0TEnd", 8};

// All numbers are little-endian.
template <class Integer>
void put(std::string& out, Integer value) {
  for (size_t i = 0; i < sizeof value; ++i) out += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i) & 0xFF);
}

template <class Integer>
Integer get(std::string_view bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(Integer); ++i) {
    value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
  }
  return static_cast<Integer>(value);
}

void seal(std::string& out) { put(out, crc32c(out)); }

bool sealed(std::string_view bytes, size_t size) {
  return bytes.size() >= size && get<uint32_t>(bytes, size - 4) == crc32c(bytes.substr(0, size - 4));
}

}  // namespace

std::string encode(const SegmentHeader& header) {
  std::string out(kSegmentMagic);
  put(out, header.version);
  put(out, header.number);
  put(out, header.key);
  put(out, uint32_t{0});
  seal(out);
  return out;
}

std::optional<SegmentHeader> decode_segment_header(std::string_view bytes) {
  if (!bytes.starts_with(kSegmentMagic) || !sealed(bytes, kSegmentHeaderBytes)) return std::nullopt;
  return SegmentHeader{
      .version = get<uint32_t>(bytes, 8), .number = get<uint32_t>(bytes, 12), .key = get<uint64_t>(bytes, 16)};
}

std::string frame_mark(uint64_t key) {
  std::string out(kFrameMagic);
  put(out, key);
  return out;
}

std::string encode_frame_header(uint64_t key, Codec codec) {
  std::string out = frame_mark(key);
  put(out, static_cast<uint32_t>(codec));
  seal(out);
  return out;
}

std::optional<uint64_t> key_of_frame(std::string_view bytes) {
  if (!sealed(bytes, kFrameHeaderBytes) || !bytes.starts_with(kFrameMagic)) return std::nullopt;
  return get<uint64_t>(bytes, kFrameMagic.size());
}
std::optional<Codec> decode_frame_header(std::string_view bytes, uint64_t key) {
  if (!sealed(bytes, kFrameHeaderBytes) || !bytes.starts_with(frame_mark(key))) return std::nullopt;
  const auto codec = get<uint32_t>(bytes, 12);
  if (codec > static_cast<uint32_t>(Codec::Zstd)) return std::nullopt;
  return static_cast<Codec>(codec);
}

void append_chunk_header(std::string& out, uint32_t raw, std::string_view stored) {
  const size_t start = out.size();
  put(out, raw);
  put(out, static_cast<uint32_t>(stored.size()));
  put(out, crc32c(stored, crc32c(std::string_view(out).substr(start))));
}

std::optional<ChunkHeader> decode_chunk_header(std::string_view bytes) {
  if (bytes.size() < kChunkHeaderBytes) return std::nullopt;
  const ChunkHeader header{
      .raw = get<uint32_t>(bytes, 0), .stored = get<uint32_t>(bytes, 4), .crc = get<uint32_t>(bytes, 8)};
  if (header.raw == 0) return header;
  if (header.raw > kChunkBytes || header.stored == 0 || header.stored > header.raw) return std::nullopt;
  return header;
}

bool chunk_is_whole(std::string_view header_bytes, const ChunkHeader& header, std::string_view stored) {
  return stored.size() == header.stored && crc32c(stored, crc32c(header_bytes.substr(0, 8))) == header.crc;
}

std::string encode(const Trailer& trailer) {
  std::string out(kTrailerMark);
  put(out, trailer.size);
  put(out, trailer.stored);
  out.append(reinterpret_cast<const char*>(trailer.sha256.data()), trailer.sha256.size());
  seal(out);
  return out;
}

std::optional<Trailer> decode_trailer(std::string_view bytes) {
  if (!bytes.starts_with(kTrailerMark) || !sealed(bytes, kTrailerBytes)) return std::nullopt;
  Trailer trailer{.size = get<uint64_t>(bytes, 8), .stored = get<uint64_t>(bytes, 16)};
  std::ranges::copy(bytes.substr(24, trailer.sha256.size()), reinterpret_cast<char*>(trailer.sha256.data()));
  return trailer;
}

}  // namespace libsync::store

// The octets of segment files: docs/store-format.md, "Segments". Pure functions of bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libsync/base/digest.h"

namespace libsync::store {

inline constexpr uint32_t kSegmentVersion = 1;
inline constexpr size_t kSegmentHeaderBytes = 32;
inline constexpr size_t kFrameHeaderBytes = 20;
inline constexpr size_t kChunkHeaderBytes = 12;
inline constexpr size_t kTrailerBytes = 60;
// A chunk is what is held in memory when a message passes through.
inline constexpr size_t kChunkBytes = 1 << 20;

enum class Codec : uint8_t { Raw = 0, Zstd = 1 };

struct SegmentHeader {
  uint32_t version = kSegmentVersion;
  uint32_t number = 0;
  // Random, repeated in each frame: a message can't hold what looks like a frame of its own segment.
  uint64_t key = 0;
};
struct ChunkHeader {
  uint32_t raw = 0;     // octets of the message; 0: this is the trailer
  uint32_t stored = 0;  // bytes that follow; equal to `raw`: as they are, less: a zstd frame
  uint32_t crc = 0;     // of the eight bytes before and of what follows
};
struct Trailer {
  uint64_t size = 0;    // octets of the message
  uint64_t stored = 0;  // bytes of the frame, header and trailer included
  Sha256Digest sha256{};
};

std::string encode(const SegmentHeader& header);
// Nothing if magic or checksum are wrong. The version is the caller's to look at.
std::optional<SegmentHeader> decode_segment_header(std::string_view bytes);

std::string encode_frame_header(uint64_t key, Codec codec);
std::optional<Codec> decode_frame_header(std::string_view bytes, uint64_t key);
// The key in a frame header, whatever it is: where the segment's own header is damaged.
std::optional<uint64_t> key_of_frame(std::string_view bytes);
// What every frame of the segment begins with: to find the next one behind damage.
std::string frame_mark(uint64_t key);

void append_chunk_header(std::string& out, uint32_t raw, std::string_view stored);
// Lengths are checked against each other and kChunkBytes, not the checksum.
std::optional<ChunkHeader> decode_chunk_header(std::string_view bytes);
bool chunk_is_whole(std::string_view header_bytes, const ChunkHeader& header, std::string_view stored);

std::string encode(const Trailer& trailer);
std::optional<Trailer> decode_trailer(std::string_view bytes);

}  // namespace libsync::store

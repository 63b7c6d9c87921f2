// Appends frames to one segment file. One thread at a time; the caller holds the segment's lock.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libsync/base/digest.h"
#include "libsync/base/file.h"
#include "libsync/store/frame_encoder.h"
#include "libsync/store/prepared.h"
#include "libsync/store/segment_format.h"

namespace libsync::store {

// Where a frame is. Offsets and lengths in bytes of the file.
struct FramePlace {
  uint32_t segment = 0;
  uint64_t offset = 0, stored = 0;
  Codec codec = Codec::Raw;
};

// Writes are gathered to pieces of at least kWriteBytes. After any failure the writer is void: what it
// appended since the last sync() may or may not be in the file.
class SegmentWriter {
 public:
  static constexpr size_t kWriteBytes = 2 << 20;  // large writes: fewer calls, contiguous extents

  // Makes the file and its header, durable, name included. Errc::Disk if it exists.
  static Result<std::unique_ptr<SegmentWriter>> create(FileSystem& fs, const std::string& folder,
                                                       const std::string& path, const SegmentHeader& header);
  // Goes on behind `length` bytes; the file is cut there.
  static Result<std::unique_ptr<SegmentWriter>> resume(FileSystem& fs, const std::string& path,
                                                       const SegmentHeader& header, uint64_t length);

  // A whole message at once.
  Result<FramePlace> append(const Prepared& message);

  // A message in pieces: begin_frame, add…, end_frame. The hash is computed on the way.
  void begin_frame();
  Status add(std::string_view octets);
  struct Ended {
    FramePlace place;
    Sha256Digest sha256;
    uint64_t size;
  };
  Result<Ended> end_frame();

  // Appends a frame's bytes as they are, from another segment but for its header.
  Status begin_raw(Codec codec);
  Status add_raw(std::string_view bytes);
  FramePlace end_raw();

  uint64_t length() const { return written_ + buffer_.size(); }
  uint32_t number() const { return header_.number; }
  // Takes back everything behind `length`.
  Status truncate(uint64_t length);
  // Everything appended so far is durable.
  Status sync();

 private:
  SegmentWriter(std::unique_ptr<File> file, const SegmentHeader& header, uint64_t length);
  Status write_chunk(std::string_view octets);
  Status finish(uint64_t size, const Sha256Digest& sha256);
  Status trailer(uint64_t size, const Sha256Digest& sha256);
  FramePlace place(Codec codec) const;
  Status flush();

  std::unique_ptr<File> file_;
  SegmentHeader header_;
  uint64_t written_;    // bytes handed to the file
  std::string buffer_;  // behind them
  bool dirty_ = false;  // the file has bytes that are not synced
  FrameEncoder encoder_;

  // The frame in hand.
  uint64_t frame_ = 0;
  Codec raw_codec_ = Codec::Raw;  // begin_raw()'s
  std::string chunk_;
  Sha256 hash_;
  uint64_t size_ = 0;
};

}  // namespace libsync::store

// Reads frames of segment files. Everything in a file may be damaged: lengths are checked before they
// are believed, and memory is bounded by a chunk.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "libsync/base/digest.h"
#include "libsync/base/file.h"
#include "libsync/store/segment_writer.h"

struct ZSTD_DCtx_s;

namespace libsync::store {

// A file seen through a buffer. Does not own the file.
class ReadWindow {
 public:
  explicit ReadWindow(File& file, size_t ahead = kReadAhead) : file_(file), ahead_(ahead) {}
  static constexpr size_t kReadAhead = 64 << 10;

  // `length` bytes at `offset`, fewer only at the end of the file; valid until the next call.
  Result<std::string_view> view(uint64_t offset, size_t length);
  size_t ahead() const { return ahead_; }
  void set_ahead(size_t ahead) { ahead_ = ahead; }

 private:
  File& file_;
  size_t ahead_;
  uint64_t base_ = 0;
  std::string buffer_;
};

// The header of a segment file: Errc::Corrupt if it is none, Errc::Newer for a later version.
Result<SegmentHeader> read_segment_header(File& file, const std::string& path);

// What unpacks chunks. To make one takes longer than to unpack a small message. One thread at a time.
class Unpacker {
 public:
  Unpacker() = default;
  ~Unpacker();
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;
  // False: it is not just so many octets, or damaged.
  bool unpack(std::string_view stored, std::span<char> octets);

 private:
  ZSTD_DCtx_s* zstd_ = nullptr;
};

// Decodes one frame, chunk by chunk. The file must outlive it, and so must `shared`, if readers share an unpacker.
class FrameReader {
 public:
  FrameReader(File& file, std::string path, uint64_t key, uint64_t offset, size_t ahead = ReadWindow::kReadAhead,
              Unpacker* shared = nullptr)
      : window_(file, ahead),
        path_(std::move(path)),
        key_(key),
        begin_(offset),
        at_(offset),
        unpacker_(shared != nullptr ? *shared : own_) {}
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  // The next octets of the message (at most kChunkBytes), valid until the next call; nothing behind the
  // last. Errc::Corrupt for damage; the hash is the caller's to check against trailer().
  Result<std::optional<std::string_view>> next();
  // Passes over the chunks that end at this octet of the message or before, without decoding or checking them. Which
  // octet comes next.
  Result<uint64_t> skip_to(uint64_t octet);
  // Known once next() gave nothing.
  const Trailer& trailer() const { return trailer_; }
  uint64_t end() const { return at_; }  // where the frame ends, then
  Codec codec() const { return codec_; }

 private:
  Status damaged(std::string_view what) const;
  Status start();
  Result<bool> head(ChunkHeader& header);  // false: the trailer was read
  Result<std::string_view> unpack(const ChunkHeader& header, std::string_view stored);

  ReadWindow window_;
  std::string path_;
  uint64_t key_;
  uint64_t begin_, at_;
  uint64_t octets_ = 0;
  bool started_ = false, ended_ = false;
  Codec codec_ = Codec::Raw;
  Trailer trailer_;
  Unpacker own_;
  Unpacker& unpacker_;
  std::string unpacked_;
};

struct ScannedFrame {
  FramePlace place;
  Trailer trailer;
  std::string head;  // the first octets of the message, as many as were asked for
};

// Walks all whole frames of a segment, their hashes checked; passes over damage to the next frame.
class SegmentScan {
 public:
  // From `offset`, or from the first frame.
  SegmentScan(File& file, std::string path, const SegmentHeader& header, uint64_t offset = kSegmentHeaderBytes);

  // Nothing at the end of the file. Errors are those of reading the file, never damage.
  Result<std::optional<ScannedFrame>> next(size_t head_bytes);
  uint64_t damaged() const { return damaged_; }  // places where no frame was, so far
  uint64_t valid_end() const { return valid_; }  // where the last whole frame ends

 private:
  Result<std::optional<ScannedFrame>> read_at(uint64_t offset, size_t head_bytes);
  Result<std::optional<uint64_t>> find_mark(uint64_t from);

  File& file_;
  std::string path_;
  SegmentHeader header_;
  uint64_t at_, valid_;
  uint64_t damaged_ = 0;
};

}  // namespace libsync::store

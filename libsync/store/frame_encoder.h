// Compresses the chunks of frames, where that pays.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "libsync/store/segment_format.h"

struct ZSTD_CCtx_s;

namespace libsync::store {

// One frame after the other; one thread at a time.
class FrameEncoder {
 public:
  FrameEncoder();
  ~FrameEncoder();
  FrameEncoder(const FrameEncoder&) = delete;
  FrameEncoder& operator=(const FrameEncoder&) = delete;

  void begin();
  // The bytes to store for the next chunk of the frame: a view of `octets`, or of memory valid until the next call. The
  // first chunk decides the codec of the frame.
  std::string_view pack(std::string_view octets);
  bool decided() const { return decided_; }
  Codec codec() const { return codec_; }

 private:
  ZSTD_CCtx_s* zstd_;
  std::string packed_;
  Codec codec_ = Codec::Raw;
  bool decided_ = false;
};

}  // namespace libsync::store

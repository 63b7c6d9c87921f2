#include "libsync/store/frame_encoder.h"

#include <zstd.h>

namespace libsync::store {
namespace {

// Level 1: mail is half base64, which only entropy coding helps; higher levels cost a multiple for one
// or two percent.
constexpr int kZstdLevel = 1;
// Up to here the tables of the entropy coding take longer to make than all the rest: a message of 1 kB takes half as
// long without them, and 44 % of its size instead of 37.
constexpr size_t kSmall = 8192;
constexpr int kZstdLevelOfSmall = -1;
// Below this a zstd frame saves less than reading it costs.
constexpr size_t kMinCompress = 256;

// Compressing must save a sixteenth, or reading is better off without.
bool pays(size_t raw, size_t packed) { return packed <= raw - raw / 16; }

}  // namespace

FrameEncoder::FrameEncoder() : zstd_(ZSTD_createCCtx()) {}

FrameEncoder::~FrameEncoder() { ZSTD_freeCCtx(zstd_); }

void FrameEncoder::begin() {
  codec_ = Codec::Raw;
  decided_ = false;
}

std::string_view FrameEncoder::pack(std::string_view octets) {
  const bool first = !decided_;
  decided_ = true;
  if (octets.size() < kMinCompress || (!first && codec_ != Codec::Zstd)) return octets;
  if (const size_t bound = ZSTD_compressBound(octets.size()); packed_.size() < bound) packed_.resize(bound);
  ZSTD_CCtx_setParameter(zstd_, ZSTD_c_compressionLevel, octets.size() <= kSmall ? kZstdLevelOfSmall : kZstdLevel);
  const size_t packed = ZSTD_compress2(zstd_, packed_.data(), packed_.size(), octets.data(), octets.size());
  if (ZSTD_isError(packed) != 0 || !pays(octets.size(), packed)) return octets;
  if (first) codec_ = Codec::Zstd;
  return std::string_view(packed_).substr(0, packed);
}

}  // namespace libsync::store

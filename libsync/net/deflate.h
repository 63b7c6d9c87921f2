// The DEFLATE streams of COMPRESS (RFC 4978): raw, one for each direction, without I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "libsync/base/result.h"

namespace libsync::net {

// A stream may expand to this many bytes for each that came, beyond kInflateAllowance for the whole
// connection. Mail shrinks to a half or a tenth; long runs of one byte reach DEFLATE's own 1032, and
// the allowance is there for them.
inline constexpr uint64_t kMaxInflateRatio = 200;
inline constexpr uint64_t kInflateAllowance = 64 << 20;

// Input in a row that may yield nothing (empty blocks, endless Huffman tables).
inline constexpr uint64_t kMaxBarrenInput = 64 << 10;

// Compresses what the client says. One thread at a time.
class Deflater {
 public:
  Deflater();
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  // Appends `bytes`, compressed and flushed so that the peer can read all of them now, to `out`.
  void add(std::string_view bytes, std::string& out);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

// Expands what the server says, in pieces as small as the caller's buffer: the output is bounded by
// construction, the input waits. One thread at a time; unusable after an error.
class Inflater {
 public:
  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Expands from the front of `input` (and moves it on) into `out`; returns how many bytes it wrote.
  // 0: all of `input` is used up and more is needed. Errc::Protocol: not DEFLATE, or the stream ended
  // (a connection's never does). Errc::Limit: the bounds above.
  Result<size_t> expand(std::string_view& input, std::span<char> out);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  uint64_t in_ = 0, out_ = 0, barren_ = 0;
};

}  // namespace libsync::net

#include "libsync/net/deflate.h"

#include <algorithm>
#include <limits>
#include <new>

#include <zlib.h>

#include "libsync/base/words.h"

namespace libsync::net {
namespace {
// RFC 4978, section 4: raw DEFLATE with the full window.
constexpr int kRawWindow = -15;
constexpr size_t kMaxChunk = std::numeric_limits<uInt>::max() / 2;

Bytef* bytes_of(const char* text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text)); }

Error too_much() {
  return {.code = Errc::Limit,
          .what = say("the server's compressed stream expands without measure"),
          .hint = say("a server that does this is broken or hostile; turn compression off for this account")};
}
}  // namespace

struct Deflater::Stream {
  z_stream z{};
};

Deflater::Deflater() : stream_(std::make_unique<Stream>()) {
  if (deflateInit2(&stream_->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kRawWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
}

Deflater::~Deflater() { deflateEnd(&stream_->z); }

void Deflater::add(std::string_view bytes, std::string& out) {
  auto& z = stream_->z;
  char buffer[16384];
  while (!bytes.empty()) {
    const size_t chunk = std::min(bytes.size(), kMaxChunk);
    z.next_in = bytes_of(bytes.data());
    z.avail_in = static_cast<uInt>(chunk);
    bytes.remove_prefix(chunk);
    do {
      z.next_out = bytes_of(buffer);
      z.avail_out = sizeof buffer;
      deflate(&z, bytes.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH);
      out.append(buffer, sizeof buffer - z.avail_out);
    } while (z.avail_out == 0);
  }
}

struct Inflater::Stream {
  z_stream z{};
};

Inflater::Inflater() : stream_(std::make_unique<Stream>()) {
  if (inflateInit2(&stream_->z, kRawWindow) != Z_OK) throw std::bad_alloc();
}

Inflater::~Inflater() { inflateEnd(&stream_->z); }

// Called with an empty input too: zlib may still hold output for bytes it took before.
Result<size_t> Inflater::expand(std::string_view& input, std::span<char> out) {
  auto& z = stream_->z;
  z.next_out = bytes_of(out.data());
  z.avail_out = static_cast<uInt>(std::min(out.size(), kMaxChunk));
  const auto room = z.avail_out;
  z.next_in = bytes_of(input.data());
  z.avail_in = static_cast<uInt>(std::min(input.size(), kMaxChunk));
  const auto given = z.avail_in;
  const int status = inflate(&z, Z_SYNC_FLUSH);
  const size_t used = given - z.avail_in;
  const size_t made = room - z.avail_out;
  input.remove_prefix(used);
  in_ += used;
  out_ += made;
  barren_ = made != 0 ? 0 : barren_ + used;
  if (status == Z_STREAM_END && made == 0)
    return fail(Errc::Protocol, say("the server ended its compressed stream in the middle of the connection"));
  if (status != Z_OK && status != Z_BUF_ERROR && status != Z_STREAM_END)
    return fail(Errc::Protocol, say("the server's compressed stream is damaged"));
  if (barren_ > kMaxBarrenInput) return fail(too_much());
  if (out_ > kInflateAllowance && (out_ - kInflateAllowance) / kMaxInflateRatio > in_) return fail(too_much());
  return made;
}

}  // namespace libsync::net

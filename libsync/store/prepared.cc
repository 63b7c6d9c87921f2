#include "libsync/store/prepared.h"

namespace libsync::store {

Prepared Preparer::prepare(std::string_view octets) {
  const std::string_view header = header_of(octets.substr(0, sync::kMaxPrintHeader));
  Prepared made{.sha256 = libsync::sha256(octets),
                .size = octets.size(),
                .print = sync::print_of(header, octets.size()),
                .envelope = mail_.columns(header)};
  encoder_.begin();
  for (size_t at = 0; at < octets.size(); at += kChunkBytes) {
    const std::string_view chunk = octets.substr(at, kChunkBytes);
    const std::string_view stored = encoder_.pack(chunk);
    append_chunk_header(made.chunks, static_cast<uint32_t>(chunk.size()), stored);
    made.chunks += stored;
  }
  made.codec = encoder_.codec();
  return made;
}

}  // namespace libsync::store

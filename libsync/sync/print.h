// The print of a message: a digest of its header and size, by which it is known again when nothing
// better is at hand. Cheap to get from any server (one BODY.PEEK[HEADER] or TOP n 0).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libsync/base/digest.h"
#include "libsync/sync/replica.h"

namespace libsync::sync {

// The header is everything up to and with the empty line that ends it, or all there is. White space at
// line ends and the ends' form (CRLF, LF) don't count: TOP and RETR of the same message differ in them.
// A header past this size counts with its first part only.
inline constexpr size_t kMaxPrintHeader = 1 << 20;

// Hex of the first 16 bytes of SHA-256 over the header's lines and the size in decimal.
Id print_of(std::string_view header, uint64_t size);

// print_of() a whole message.
Id print_of_message(std::string_view message);

// Where the header of `message` ends, the empty line included.
size_t header_size(std::string_view message);

// For a message that comes in pieces: keeps the header only.
class PrintBuilder {
 public:
  void update(std::string_view bytes);
  Id finish() const { return print_of(header_.substr(0, header_size(header_)), size_); }

 private:
  std::string header_;
  uint64_t size_ = 0;
};

}  // namespace libsync::sync

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

// print_of() a whole message, with the size that the server announced where that is known (not 0): servers
// announce wrong ones, and a header alone comes with the announced one.
Id print_of_message(std::string_view message, uint64_t announced = 0);

// Where the header of `message` ends, the empty line included.
size_t header_size(std::string_view message);

// For a message that comes in pieces: keeps the header only.
class PrintBuilder {
 public:
  void update(std::string_view bytes);
  Id finish(uint64_t announced = 0) const {
    const std::string_view header(header_);
    return print_of(header.substr(0, header_size(header)), announced != 0 ? announced : size_);
  }

 private:
  std::string header_;
  uint64_t size_ = 0;
};

}  // namespace libsync::sync

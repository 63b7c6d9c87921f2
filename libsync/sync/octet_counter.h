// Octets as a server counts them that keeps lines with LF and speaks of them with CRLF (RFC 1939, section 11).
// A value; one thread at a time.
#pragma once

#include <cstdint>
#include <string_view>

namespace libsync::sync {

class OctetCounter {
 public:
  void update(std::string_view bytes) {
    count_ += bytes.size();
    for (size_t at = bytes.find('\n'); at != bytes.npos; at = bytes.find('\n', at + 1)) {
      if ((at == 0 ? last_ : bytes[at - 1]) != '\r') ++count_;
    }
    if (!bytes.empty()) last_ = bytes.back();
  }
  uint64_t count() const { return count_; }

 private:
  uint64_t count_ = 0;
  char last_ = 0;
};

}  // namespace libsync::sync

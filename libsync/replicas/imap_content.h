// What a message to add looks like on the wire: lines end with CRLF. Internal to the IMAP replica.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libsync/imap/command.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// A bare LF becomes CRLF; everything else stays, whatever pieces it comes in. A value.
class CrlfMaker {
 public:
  void add(std::string_view octets, std::string& out);

 private:
  char last_ = 0;
};

// A message read through once.
struct ImapContent {
  uint64_t octets = 0;  // as they go out
  bool nul = false;
  bool eight_bit_header = false;
  std::string text{};  // all of it, unless it is larger than was to be held
};
Result<ImapContent> read_content(sync::ContentSource& source, uint64_t most_held);

// The same octets in stretches of at most 64 KiB. The source, which must outlive it, begins anew: its error otherwise.
Result<std::shared_ptr<imap::LiteralSource>> stream_content(sync::ContentSource& source);

}  // namespace libsync::replicas

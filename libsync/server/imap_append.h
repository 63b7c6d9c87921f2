// APPEND's messages on their way in, as streamed literals (RFC 9051, section 6.3.12; MULTIAPPEND: RFC 3502; UTF8:
// RFC 6855, section 4; literal8: RFC 3516). Inside server only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libsync/imap/framer.h"
#include "libsync/server/imap_core.h"

namespace libsync::server {

// Why a literal is not taken.
struct LiteralRefused {
  std::string_view text, code{};
  bool is_bad = false;  // else NO
};

class Appending {
 public:
  // Whether the literal that this unfinished command announces is a message.
  static bool announces_message(const imap::Frame& frame);

  // What stands before the literal is read, and a place made for the message.
  std::optional<LiteralRefused> begin(Imap& imap, const imap::Frame& frame, const AnnouncedLiteral& literal);
  void data(std::string_view octets);
  void end(const imap::Frame& frame);
  // The command is whole: puts them into the mailbox, and answers.
  void finish(Imap& imap, const imap::Frame& frame);

 private:
  std::optional<LiteralRefused> read_options(Imap& imap, imap::Parser& in, const AnnouncedLiteral& literal);

  std::optional<FolderId> folder_;
  size_t read_to_ = 0;    // of the frame
  bool in_utf8_ = false;  // UTF8 (~{n}: a ')' must come behind the literal
  std::vector<NewMessage> messages_;
  Status stored_;
};

}  // namespace libsync::server

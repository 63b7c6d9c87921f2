// ENVELOPE (RFC 9051, section 7.5.2).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libsync/imap/parser.h"

namespace libsync::imap {

struct Address {
  std::optional<std::string> name, route, mailbox, host;  // group syntax: host is nil (RFC 9051, 7.5.2)
};

// Text as in the header: encoded words are not decoded.
struct Envelope {
  std::optional<std::string> date, subject;
  std::vector<Address> from, sender, reply_to, to, cc, bcc;
  std::optional<std::string> in_reply_to, message_id;
};
bool parse_envelope(Parser& in, Envelope& out);

}  // namespace libsync::imap

// STATUS (RFC 9051, sections 6.3.11 and 7.3.4; RFC 7162 HIGHESTMODSEQ, 8438 SIZE, 8474 MAILBOXID, 7889
// APPENDLIMIT).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libsync/imap/command.h"
#include "libsync/imap/parser.h"

namespace libsync::imap {

struct StatusData {
  std::string name{};  // as on the wire
  std::optional<uint64_t> messages, uid_next, uid_validity, unseen, recent, deleted, size, highest_modseq, append_limit;
  std::optional<std::string> mailbox_id{};
};

// `items` are our own words: "MESSAGES UIDNEXT".
Result<Command> status(std::string_view wire_name, std::string_view items);
bool parse_status(Parser& in, StatusData& out);

}  // namespace libsync::imap

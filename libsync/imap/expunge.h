// EXPUNGE (RFC 9051, section 6.4.3) and UID EXPUNGE (RFC 4315, section 2.1).
#pragma once

#include <string_view>

#include "libsync/imap/command.h"

namespace libsync::imap {

// Removes all that is marked \Deleted, whoever marked it.
inline Command expunge() { return simple_command(CommandKind::Expunge, "EXPUNGE"); }
// Of these only; `set` is our own words.
inline Command uid_expunge(std::string_view set) {
  return simple_command(CommandKind::Expunge, std::string("UID EXPUNGE ").append(set));
}

}  // namespace libsync::imap

// RENAME (RFC 9051, section 6.3.6): takes the mailboxes below along.
#pragma once

#include <string_view>

#include "libsync/imap/command.h"

namespace libsync::imap {

inline Result<Command> rename(std::string_view from, std::string_view to) {
  return CommandBuilder(CommandKind::Rename, "RENAME").astring(from).astring(to).build();
}

}  // namespace libsync::imap

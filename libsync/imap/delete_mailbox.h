// DELETE (RFC 9051, section 6.3.5): the mailbox with all messages in it.
#pragma once

#include <string_view>

#include "libsync/imap/command.h"

namespace libsync::imap {

inline Result<Command> delete_mailbox(std::string_view wire_name) {
  return CommandBuilder(CommandKind::Delete, "DELETE").astring(wire_name).build();
}

}  // namespace libsync::imap

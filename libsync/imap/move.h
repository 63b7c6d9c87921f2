// UID MOVE (RFC 9051, section 6.4.8; RFC 6851). COPYUID comes untagged, ahead of the EXPUNGEs.
#pragma once

#include <string_view>

#include "libsync/imap/command.h"

namespace libsync::imap {

// `set` is our own words.
inline Result<Command> uid_move(std::string_view set, std::string_view wire_name) {
  return CommandBuilder(CommandKind::Move, "UID MOVE ").raw(set).astring(wire_name).build();
}

}  // namespace libsync::imap

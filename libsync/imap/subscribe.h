// SUBSCRIBE and UNSUBSCRIBE (RFC 9051, sections 6.3.7 and 6.3.8).
#pragma once

#include <string_view>

#include "libsync/imap/command.h"

namespace libsync::imap {

inline Result<Command> subscribe(std::string_view wire_name) {
  return CommandBuilder(CommandKind::Subscribe, "SUBSCRIBE").astring(wire_name).build();
}
inline Result<Command> unsubscribe(std::string_view wire_name) {
  return CommandBuilder(CommandKind::Unsubscribe, "UNSUBSCRIBE").astring(wire_name).build();
}

}  // namespace libsync::imap

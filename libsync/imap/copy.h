// UID COPY (RFC 9051, sections 6.4.7 and 6.4.9). The new UIDs come as COPYUID (RFC 4315, section 3).
#pragma once

#include <string_view>

#include "libsync/imap/command.h"

namespace libsync::imap {

// `set` is our own words.
inline Result<Command> uid_copy(std::string_view set, std::string_view wire_name) {
  return CommandBuilder(CommandKind::Copy, "UID COPY ").raw(set).astring(wire_name).build();
}

}  // namespace libsync::imap

// ENABLE (RFC 9051, section 6.3.1; RFC 5161).
#pragma once

#include <span>
#include <string>

#include "libsync/imap/command.h"

namespace libsync::imap {

inline Result<Command> enable(std::span<const std::string> capabilities) {
  CommandBuilder builder(CommandKind::Enable, "ENABLE");
  for (const std::string& name : capabilities) builder.atom(name);
  return builder.build();
}

}  // namespace libsync::imap

// LOGIN (RFC 9051, section 6.2.3).
#pragma once

#include "libsync/imap/command.h"

namespace libsync::imap {

inline Result<Command> login(std::string_view user, const Secret& password) {
  return CommandBuilder(CommandKind::Login, "LOGIN").string(user).secret(password).exclusive().build();
}

}  // namespace libsync::imap

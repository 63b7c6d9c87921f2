// LOGOUT (RFC 9051, section 6.1.3).
#pragma once

#include "libsync/imap/command.h"

namespace libsync::imap {

inline Command logout() { return simple_command(CommandKind::Logout, "LOGOUT"); }

}  // namespace libsync::imap

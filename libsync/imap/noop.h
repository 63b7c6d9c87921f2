// NOOP (RFC 9051, section 6.1.2).
#pragma once

#include "libsync/imap/command.h"

namespace libsync::imap {

inline Command noop() { return simple_command(CommandKind::Noop, "NOOP"); }

}  // namespace libsync::imap

// STARTTLS (RFC 9051, section 6.2.1). Behind its OK the session stops reading: Session::surplus() must be
// 0, and Session::tls_started() makes it forget what it learnt in plain text.
#pragma once

#include "libsync/imap/command.h"

namespace libsync::imap {

inline Command starttls() { return simple_command(CommandKind::StartTls, "STARTTLS", true); }

}  // namespace libsync::imap

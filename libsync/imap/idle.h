// IDLE (RFC 9051, section 6.3.13; RFC 2177). Ended by Session::done_idling().
#pragma once

#include <chrono>

#include "libsync/imap/command.h"

namespace libsync::imap {

// Servers may log out a client that idles for 30 minutes; RFC 9051 advises 29. NATs forget sooner.
inline constexpr std::chrono::minutes kIdleRenewal{24};

inline Command idle() { return simple_command(CommandKind::Idle, "IDLE", true); }

}  // namespace libsync::imap

// COMPRESS=DEFLATE (RFC 4978). Behind its OK the session stops reading: Session::take_surplus() gives
// the bytes that are compressed already.
#pragma once

#include "libsync/imap/command.h"

namespace libsync::imap {

inline Command compress() { return simple_command(CommandKind::Compress, "COMPRESS DEFLATE", true); }

}  // namespace libsync::imap

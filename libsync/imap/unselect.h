// UNSELECT and CLOSE (RFC 9051, sections 6.4.1 and 6.4.2; RFC 3691): CLOSE removes what is marked
// \Deleted unless the mailbox was opened by EXAMINE.
#pragma once

#include "libsync/imap/command.h"

namespace libsync::imap {

inline Command unselect() { return simple_command(CommandKind::Unselect, "UNSELECT"); }
inline Command close_mailbox() { return simple_command(CommandKind::Close, "CLOSE"); }

}  // namespace libsync::imap

// What the implementations of Mail have in common.
#pragma once

#include <expected>

#include "libsync/base/result.h"
#include "libsync/server/mail.h"

namespace libsync::server {

// Flags after a change. A keyword that is there keeps its letters' case.
sync::Flags changed_flags(const sync::Flags& flags, FlagChange change, const sync::Flags& by);

// Errc::Refused where less may be written.
Status require_writable(Writable is, Writable needed);

std::unexpected<Error> no_such_folder();
std::unexpected<Error> folder_exists(const sync::Path& path);

}  // namespace libsync::server

// Mailbox paths as text: for keys, the database and the user.
#pragma once

#include <string>
#include <string_view>

#include "libsync/sync/replica.h"

namespace libsync::sync {

// One component after the other with '/' between them; '/', '%' and control characters inside a
// component are percent-encoded, so that decode_path gives back exactly the components.
std::string encode_path(const Path& path);
Path decode_path(std::string_view text);

}  // namespace libsync::sync

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

// Not what lies below it.
bool is_inbox(const Path& path);
// `path` lies below `prefix`.
bool has_prefix(const Path& path, const Path& prefix);
// What the mailbox `path`, which is `from` or lies below it, is called when `from` has become `to`.
Path moved_along(const Path& path, const Path& from, const Path& to);
// Whether anybody here may give the name to a mailbox: levels that are not empty, in UTF-8, without control characters.
// What a server has may be otherwise.
bool is_plain(const Path& path);

}  // namespace libsync::sync

// File names of attachments made fit for a file system (RFC 2183, section 2.3: a
// receiver does not trust them). Pure, any thread, no errors.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace libsync::mime {

inline constexpr size_t kMaxFileName = 200;  // bytes: NAME_MAX is 255, and others add a number and a suffix

// One path component, never empty, "." or "..": no separators, control characters, characters or names that
// Windows reserves, invalid UTF-8 or bidirectional overrides; no dot at the front, no dot or space at the end. Too long
// a name is cut between characters and keeps its extension. `fallback` (trusted) stands in for a name with nothing
// left.
std::string safe_filename(std::string_view name, std::string_view fallback = "attachment",
                          size_t max_bytes = kMaxFileName);

}  // namespace libsync::mime

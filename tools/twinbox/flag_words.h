// Flags as people write them: seen, \Flagged, $Work.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "libsync/base/result.h"
#include "libsync/sync/replica.h"

namespace twinbox {

inline constexpr size_t kMaxKeyword = 100;      // octets; servers stop at 50 (Dovecot) and more
inline constexpr size_t kMaxFlagsAtOnce = 100;  // that a command names

// A system flag in any case, with or without its backslash, or a keyword: an IMAP atom. Errc::Usage.
libsync::Status read_flag(std::string_view text, libsync::sync::Flags& into);

// "seen,flagged,$Work".
libsync::Result<libsync::sync::Flags> read_flag_list(std::string_view text);

// What a keyword seems to be meant for ("flagd": flagged); empty: nothing.
std::string_view nearest_flag(std::string_view keyword);

}  // namespace twinbox

// Which mailboxes an account's sync looks at. Pure functions: any thread, no errors; every pattern means
// something.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "libsync/sync/replica.h"

namespace libsync::account {

// Glob over a mailbox's path, components joined by '/': '*' and '?' match inside a component, "**"
// anything. INBOX compares without regard to ASCII case, other names exactly. Time is bounded by
// pattern × path, whatever the pattern.
bool matches(std::string_view pattern, const sync::Path& path);

// Included by a pattern (or there is none) and excluded by none.
bool wanted(const sync::Path& path, std::span<const std::string> include, std::span<const std::string> exclude);

}  // namespace libsync::account

// Preparing user names and passwords (SASLprep, RFC 4013), as far as it can be done without Unicode
// tables.
#pragma once

#include <string>
#include <string_view>

#include "libsync/base/result.h"

namespace libsync::sasl {

// Space characters outside ASCII become a space (RFC 3454, C.1.2), characters "commonly mapped to
// nothing" go (B.1), ASCII and C1 controls and invalid UTF-8 are refused (Errc::Auth, without the text).
// Not done: NFKC, bidirectional checks and the rarer prohibited tables; such text passes as it is, which
// differs from the full profile only for names and passwords that are not in normal form.
// `what` names the text in errors: "password".
Result<std::string> saslprep(std::string_view text, std::string_view what);

}  // namespace libsync::sasl

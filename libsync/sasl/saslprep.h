// Preparing user names and passwords (SASLprep, RFC 4013), as far as it can be done without Unicode
// tables.
#pragma once

#include <string>
#include <string_view>

#include "libsync/base/result.h"

namespace libsync::sasl {

// Space characters outside ASCII become a space (RFC 3454, C.1.2), characters "commonly mapped to
// nothing" go (B.1), ASCII and C1 controls and invalid UTF-8 are refused (Errc::Auth, without the text).
// Not done: NFKC, bidirectional checks and the rarer prohibited tables, for which neither OpenSSL nor the
// C++ library has the Unicode data, and a library of its own would serve this alone. Such text passes as it
// is: a password that is not in normal form (typed as e and U+0301, or in full-width letters) is refused by
// a server that prepares by the whole profile; it works when typed in the composed form that keyboards give.
// `what` names the text in errors: "password".
Result<std::string> saslprep(std::string_view text, std::string_view what);

}  // namespace libsync::sasl

// Strict base64 (RFC 4648, section 4), as SASL wants it. mime has its own reader for damaged mail.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace libsync {

std::string base64_encode(std::string_view bytes);

// Nothing for anything but canonical base64 with its padding: no line ends, no spaces, no other
// alphabet, no bits set behind the end.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace libsync

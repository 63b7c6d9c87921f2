// Encoded words (RFC 2047, RFC 2231 section 5) to UTF-8, as they should be and as they occur.
#pragma once

#include <string>
#include <string_view>

#include "libsync/mime/charset.h"
#include "libsync/mime/defect.h"

namespace libsync::mime {

// The value of an unstructured field, a phrase or a comment: unfolded, encoded words decoded (adjacent
// ones joined before their charset is decoded, so that a character may be split between them), raw 8-bit
// bytes as UTF-8 or guessed. CR, LF and NUL never come out: they become spaces. Linear time.
std::string decode_text(std::string_view value, Converters& converters, Defects* defects = nullptr);

}  // namespace libsync::mime

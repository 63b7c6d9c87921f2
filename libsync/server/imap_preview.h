// PREVIEW (RFC 8970): the beginning of a message's text, for lists.
#pragma once

#include <cstddef>
#include <string>

#include "libsync/mime/charset.h"
#include "libsync/mime/message.h"

namespace libsync::server {

inline constexpr size_t kMaxPreview = 256;  // characters (RFC 8970, section 3.1)

// One line of valid UTF-8: white space is one space, control characters and overrides of direction are left out. ""
// for a message without a text.
std::string preview_of(const mime::Message& message, mime::Converters& converters);

}  // namespace libsync::server

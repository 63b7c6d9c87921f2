// BODY and BODYSTRUCTURE (RFC 9051, section 7.5.2): what is in a message, part by part. Their numbers are those of
// mime::section().
//
// What can't be told as it is:
//   a multipart in which no part was found,        holds one empty text/plain, for the grammar wants a part
//     a message that ends before it begins
//   a multipart that was not opened (no boundary,  text/plain, as the rest of the program reads it
//     too deep, too many parts)
//   a message/rfc822 that was not opened (base64,  application/octet-stream: the grammar wants an envelope and a
//     too deep, too many parts)                    structure behind that type, and no part of it could be fetched
#pragma once

#include <cstddef>
#include <string>

#include "libsync/mime/message.h"

namespace libsync::server {

// Behind as much of an answer, parts are told without what their headers say: ten thousand parts have 1 MB, and a
// client that limits an answer (this program's at 16 MB) still reads it.
inline constexpr size_t kMaxStructure = size_t{4} << 20;

// `extensible`: BODYSTRUCTURE, else BODY. Recursion is bounded by mime::Limits::depth.
void append_body_structure(const mime::Message& message, bool extensible, bool utf8, std::string& out);

}  // namespace libsync::server

// Parameters in BODYSTRUCTURE (body-fld-param of RFC 9051, section 9).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libsync/mime/parameter.h"

namespace libsync::server {

// "(name value …)", or NIL. Values in sections are joined (RFC 2231, section 6: servers should), percent-encoded still
// where a section was: "filename*0*", "filename*1" become "filename*". Otherwise as sent; mime::decode_parameters()
// reads the same from both. A text without a charset is told as us-ascii (RFC 2045, section 5.2), as servers do.
void append_parameters(const std::vector<mime::RawParameter>& raw, bool is_text, bool utf8, std::string& out);

}  // namespace libsync::server

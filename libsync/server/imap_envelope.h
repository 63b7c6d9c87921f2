// ENVELOPE (RFC 9051, section 7.5.2): the header's text as it stands there, unfolded, encoded words not decoded.
//
// Of a field that occurs again the first counts, address fields that do are joined; a missing field is NIL, an empty
// one "". Sender and Reply-To without an address are From's. An address without a domain has the host "" (cron's
// "root"), for NIL means a group. Source routes are not told (NIL): RFC 5322, section 4.4, has them ignored.
#pragma once

#include <string>
#include <string_view>

#include "libsync/mime/header.h"
#include "libsync/mime/message.h"

namespace libsync::server {

// `header` begins with the header; what follows it is not read. What is beyond mime::Limits is left out.
void append_envelope(std::string_view header, bool utf8, std::string& out);
// Of a message inside: `part` is the child of a PartKind::Message.
void append_envelope(const mime::Message& message, const mime::Part& part, bool utf8, std::string& out);
// Of a message of which nothing is known.
void append_empty_envelope(std::string& out);

}  // namespace libsync::server

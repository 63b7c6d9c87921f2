// Strings of a response (RFC 9051, sections 4.3 and 9; RFC 3501; UTF-8 in quotes: RFC 6855). Each appends to `out`.
//
// A string is quoted where it can be, else a literal; both mean the same to a client. Literals are those with CR, LF or
// other control characters, those over imap::kMaxQuoted, and, unless `utf8` (the client enabled UTF8=ACCEPT or
// IMAP4rev2), those with 8-bit octets: RFC 3501, section 4.3.1, has these in literals alone, and to send them changed
// would hide from a client what its message says. UTF-8 that is not valid is a literal always.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace libsync::server {

// Octets with NUL become a literal8 (RFC 9051, section 4.3), which the grammar allows for contents (BODY[…] in
// IMAP4rev2, BINARY[…]) alone: who writes header text uses append_header_text().
void append_string(std::string_view text, bool utf8, std::string& out);
void append_nstring(const std::optional<std::string_view>& text, bool utf8, std::string& out);
// An atom where it can be one; as mailbox names are sent, encoded already.
void append_astring(std::string_view text, bool utf8, std::string& out);
// Of a field's value: unfolded (RFC 5322, section 2.2.3), without what stands at both ends, CR, LF and NUL.
void append_header_text(std::string_view value, bool utf8, std::string& out);

// "{size}" CRLF, or "~{size}" CRLF: what stands before a literal's octets.
void append_literal_head(uint64_t size, bool has_nul, std::string& out);
void append_number(uint64_t number, std::string& out);

}  // namespace libsync::server

// Mailbox names: modified UTF-7 (RFC 3501, section 5.1.3), names in UTF-8 (RFC 6855, RFC 9051), paths.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/result.h"

namespace libsync::imap {

// UTF-8 to modified UTF-7. Invalid UTF-8: nothing.
std::optional<std::string> encode_mutf7(std::string_view utf8);
// Modified UTF-7 to UTF-8; nothing unless `text` is what encode_mutf7 gives: 8-bit octets, printable
// ASCII in base64, sections that touch, odd bits, lone surrogates and NUL are refused.
std::optional<std::string> decode_mutf7(std::string_view text);

struct SplitName {
  std::vector<std::string> components;  // UTF-8; "INBOX" in capitals whatever the server's case
  bool canonical = true;                // false: some component is shown as it came, undecoded
};
// Splits a name from the wire by its hierarchy delimiter ('\0': none).
SplitName split_name(std::string_view wire, char delimiter, bool utf8_names);

// The wire name of a path. Errors: Errc::Usage for a component that is empty, holds the delimiter, a
// control character or invalid UTF-8, for more than one component without a delimiter, and for names over
// kMaxMailboxName.
Result<std::string> join_name(const std::vector<std::string>& path, char delimiter, bool utf8_names);

}  // namespace libsync::imap

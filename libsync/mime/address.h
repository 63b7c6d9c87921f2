// Addresses (RFC 5322 sections 3.4 and 4.4, RFC 6532).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/mime/charset.h"
#include "libsync/mime/defect.h"
#include "libsync/mime/limits.h"

namespace libsync::mime {

enum class AddressKind : uint8_t { Mailbox, GroupStart, GroupEnd };

// One item of an address list, flat as IMAP's ENVELOPE has it: a group is its start, its members and its
// end. Strings are UTF-8 without quotes, backslashes and comments.
struct Address {
  AddressKind kind = AddressKind::Mailbox;
  std::string name{};  // display name, or the group's; where there is none, the comment behind the address
  std::string local{};
  std::string domain{};   // "[192.0.2.1]" with its brackets
  std::string route{};    // obsolete source route: "@a,@b"
  std::string comment{};  // the last one, without parentheses
  bool operator==(const Address&) const = default;
};

// With `converters`, names and comments are decoded (decode_text); without, they stay as sent.
std::vector<Address> parse_addresses(std::string_view value, Converters* converters, const Limits& limits = {},
                                     Defects* defects = nullptr);

// "local@domain", the local part quoted where it must be; "" without a local part. CR, LF and NUL never
// occur in it.
std::string addr_spec(const Address& address);
// "Name <local@domain>" for people; "Name:" and ";" for groups.
std::string display(const Address& address);
// All of a list, for people: "A <a@x>, Group: b@x, c@x;".
std::string display(const std::vector<Address>& list);

}  // namespace libsync::mime

// The address of an account's server as one line of text: imaps://me@mail.example.org.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libsync/base/result.h"

namespace libsync::account {

enum class Protocol : uint8_t { Imap, Pop3 };
enum class Security : uint8_t { Tls, StartTls, Plain };

struct Remote {
  Protocol protocol = Protocol::Imap;
  Security security = Security::Tls;
  std::string user{};  // as sent to the server, decoded
  std::string host{};  // name or address; IPv6 without brackets
  uint16_t port = 0;   // never 0 after parse_remote
  bool operator==(const Remote&) const = default;
};

// Schemes: imaps imap+starttls imap+plain pop3s pop3+starttls pop3+plain. What stands before the last
// '@' is the user, percent-decoded, so an address may be written as it is (me@example.org@imap.…).
// Refused with Errc::Config: another scheme (the nearest is named), a password in it, a path or query,
// no host, no user, a control character anywhere.
Result<Remote> parse_remote(std::string_view url);

// The inverse: '@' in the user is kept readable, the port left out when it is the scheme's own.
std::string to_url(const Remote& remote);

uint16_t default_port(Protocol protocol, Security security);
std::string_view protocol_name(Protocol protocol);  // "IMAP", "POP3"

}  // namespace libsync::account

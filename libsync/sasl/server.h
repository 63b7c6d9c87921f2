// The server's side of SASL (RFC 4422) as pure response → challenge: no sockets, no base64, no protocol framing. The
// session in front carries the messages; the mechanisms are those of the client (registry.h) that a password serves.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/result.h"
#include "libsync/base/secret.h"
#include "libsync/sasl/mechanism.h"

namespace libsync::sasl {

// The password of a user, or nothing where there is no such user. Called once or twice an exchange.
using FindPassword = std::function<std::optional<Secret>(std::string_view user)>;

struct ServerContext {
  FindPassword find_password{};
  RandomBytes random = system_random;
  // Of this TLS connection, each that a client may choose; empty: the -PLUS mechanisms must not be offered.
  std::vector<ChannelBinding> bindings{};
  std::string host = "localhost";  // in CRAM-MD5's challenge
  // A secret of this server that stays the same from one exchange to the next: makes the salts, so that a name that
  // nobody has is answered as one that somebody has (RFC 5802, section 9).
  Secret salt_secret{};
  // SCRAM's. The keys are made anew from the password for each login: more would cost both sides as much, and keep
  // nobody out who has the configuration. Clients refuse fewer than RFC 7677's 4,096.
  uint32_t iterations = 4096;
};

// What the server says next.
struct Turn {
  std::string challenge{};  // raw octets; of no meaning where `done`
  bool done = false;        // the client is who it says
};

// One exchange. Used once, by one thread: begin(), then take() for each response until it is done or fails. Errors end
// it: Errc::Auth (no such user, wrong proof, somebody else's authorisation; which of them is not told), Errc::Protocol
// (a response that does not follow the mechanism), Errc::Limit.
class ServerMechanism {
 public:
  virtual ~ServerMechanism() = default;
  virtual std::string_view name() const = 0;
  // The challenge of a server that speaks first (CRAM-MD5, LOGIN); nothing where the client does.
  virtual Result<std::optional<std::string>> begin() = 0;
  virtual Result<Turn> take(std::string_view response) = 0;
  // Who it is; set when done.
  virtual const std::string& user() const = 0;
};

struct ServerMechanismInfo {
  std::string_view name;
  bool needs_tls;      // the client sends its password as it is
  bool needs_binding;  // -PLUS
  bool by_default;     // false: only where it was asked for by name
  std::unique_ptr<ServerMechanism> (*make)(ServerContext);
};

// Best first.
std::span<const ServerMechanismInfo> server_mechanisms();
// Without regard to ASCII case; nullptr: unknown.
const ServerMechanismInfo* find_server_mechanism(std::string_view name);

// Whether `password` is the user's, in a time that does not tell where they differ; for USER and PASS, and LOGIN.
bool is_password_of(const FindPassword& find, std::string_view user, const Secret& password);

// The longest response that any mechanism reads, decoded.
inline constexpr size_t kMaxResponse = 8 * 1024;

}  // namespace libsync::sasl

// Making a connection: resolve, happy eyeballs (RFC 8305), proxy, TLS.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "libsync/base/result.h"
#include "libsync/base/trace.h"
#include "libsync/net/channel.h"
#include "libsync/net/proxy.h"
#include "libsync/net/resolve.h"
#include "libsync/net/tls_options.h"

namespace libsync::net {

enum class Security {
  ImplicitTls,  // TLS from the first byte (RFC 8314)
  StartTls,     // plain until start_tls(), which the session must demand before it says anything
  Plain,        // never encrypted; whether that is allowed is the caller's policy
};

struct Target {
  std::string host{};  // a name in ASCII (xn-- for others) or an IP address, without brackets
  uint16_t port = 0;
  Security security = Security::ImplicitTls;
};

struct ConnectOptions {
  // For one address to accept: long enough for a lost SYN and its second retry.
  std::chrono::milliseconds connect_timeout{10'000};
  // For everything connect() does, from the lookup to the end of the TLS handshake.
  std::chrono::milliseconds overall_timeout{30'000};
  TlsOptions tls{};
  std::optional<Proxy> proxy{};
  Family family = Family::Any;
  Trace* trace = nullptr;  // not owned; must outlive the channel
  Resolver resolver = system_resolve;
};

// When the next address is tried while the last has not answered (RFC 8305, section 5).
inline constexpr std::chrono::milliseconds kAttemptDelay{250};

// Connects, and for Security::ImplicitTls ends the handshake. Thread-safe. Errors are one line and name
// the host: Errc::Network (unknown host, refused, timed out, closed; `retry` tells whether it may pass),
// Errc::Tls (the certificate is not the host's, expired, of an unknown authority; pin mismatch; no TLS
// on this port; version too old), Errc::Usage (host or port that cannot be), Errc::Config (ca_file),
// Errc::Cancelled, and what open_tunnel() gives for a proxy.
Result<std::unique_ptr<Channel>> connect(const Target& target, const ConnectOptions& options, std::stop_token stop);

}  // namespace libsync::net

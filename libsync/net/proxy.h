// Reaching a server through a proxy: SOCKS5 (RFC 1928, 1929) and HTTP CONNECT (RFC 9110, section 9.3.6).
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

#include "libsync/base/clock.h"
#include "libsync/base/result.h"
#include "libsync/base/secret.h"

namespace libsync::net {

class Socket;

struct Proxy {
  enum class Kind { Socks5, HttpConnect };
  Kind kind = Kind::Socks5;
  std::string host{};
  uint16_t port = 0;
  std::string user{};
  Secret password{};
};

// "socks5://[user:password@]host[:port]" (also socks5h; port 1080) or "http://…" (port 8080). The
// server's name is resolved by the proxy. Errc::Config; the error never repeats the password.
Result<Proxy> parse_proxy(std::string_view url);

// Asks the proxy behind `socket` for a connection to host:port. On OK the next byte on the socket is
// the server's first. Errors: Errc::Network for what may pass, Errc::Auth for credentials refused,
// Errc::Refused for a rule of the proxy, Errc::Protocol for an answer that is none.
Status open_tunnel(Socket& socket, const Proxy& proxy, const std::string& host, uint16_t port, Deadline deadline,
                   std::stop_token stop);

}  // namespace libsync::net

// What is said to a proxy and heard from it, without a socket: SOCKS5 (RFC 1928, 1929) and HTTP CONNECT
// (RFC 9110, section 9.3.6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libsync/base/result.h"
#include "libsync/base/secret.h"
#include "libsync/net/proxy.h"

namespace libsync::net {

// One dialogue, one thread: send take_output(), read wants() octets or fewer, take() them, and so on until
// wants() is 0. What comes behind that is the server's.
class Tunnel {
 public:
  virtual ~Tunnel() = default;
  // What must go out now; hands each octet out once. May hold a password.
  virtual Secret take_output() = 0;
  // How many octets of the proxy's come next at least; 0: the tunnel is open.
  virtual size_t wants() const = 0;
  // At most wants() octets, in any pieces. Errors as open_tunnel() has them; the dialogue is over then.
  virtual Status take(std::string_view bytes) = 0;
};

// The two kinds, one file each.
std::unique_ptr<Tunnel> socks5_tunnel(const Proxy& proxy, const std::string& host, uint16_t port);
std::unique_ptr<Tunnel> http_tunnel(const Proxy& proxy, const std::string& host, uint16_t port);

}  // namespace libsync::net

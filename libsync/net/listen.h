// Where this program is the server: ports to listen on, and the connections that come.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "libsync/base/clock.h"
#include "libsync/base/result.h"
#include "libsync/base/trace.h"
#include "libsync/net/channel.h"
#include "libsync/net/tls_server.h"

namespace libsync::net {

// One address and port. One thread at a time.
class Listener {
 public:
  // `ip`: an address of this machine, "0.0.0.0" or "::" for all; `port` 0: one that is free. Errc::Config: no address,
  // or not one of this machine; Errc::Busy: somebody listens there; Errc::Refused: not allowed.
  static Result<std::unique_ptr<Listener>> open(const std::string& ip, uint16_t port);
  // A socket that somebody else (systemd) has opened, bound and listens on; it is this one's from now on.
  static Result<std::unique_ptr<Listener>> adopt(int descriptor);
  ~Listener();

  uint16_t port() const;
  const std::string& ip() const;

  // The next connection, as a Channel whose other end is a client: start_tls() is the server's half of the handshake,
  // and Errc::Internal where `tls` is null; host() is the client's address. Errc::Cancelled within about 100 ms after
  // `stop` asks. What passes (a client that went away, no descriptors left for a moment) is waited out.
  Result<std::unique_ptr<Channel>> accept(std::shared_ptr<TlsServer> tls, Trace* trace, std::stop_token stop);

 private:
  struct Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace libsync::net

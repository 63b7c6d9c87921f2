// One connection to a server, as sessions see it: bytes out, bytes in, a deadline on everything.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

#include "libsync/base/clock.h"
#include "libsync/base/result.h"

namespace libsync::net {

// What a connection has cost so far.
struct Cost {
  uint64_t bytes_in = 0;  // on the wire, behind TLS and COMPRESS
  uint64_t bytes_out = 0;
  uint64_t round_trips = 0;  // times the client went from sending to waiting
};

// What TLS agreed on, for channel binding (SCRAM-PLUS) and display.
struct TlsInfo {
  std::string version;  // "TLSv1.3"
  std::string cipher;
  std::string fingerprint_sha256;  // of the server's certificate, lower-case hex
};

// One thread at a time. Every call that waits ends at its deadline (Errc::Network, retry) or soon
// after the stop_token asks (Errc::Cancelled); the connection is unusable after an error. Counted in
// bytes: nothing here knows a line or a literal.
class Channel {
 public:
  virtual ~Channel() = default;

  // Queues bytes; they go out during the next receive() or flush(). Never waits. The bytes are copied.
  virtual void send(std::string_view bytes) = 0;

  // Writes what is queued and, at the same time, reads (so that neither side can wait for the other
  // for ever); returns as soon as at least one byte has come, however much is still queued. The view
  // is valid until the next call of receive(), start_tls() or start_deflate(). Empty: the peer closed
  // the connection in an orderly way (TLS close_notify included; a TLS stream cut without it is an
  // error, Errc::Network).
  virtual Result<std::string_view> receive(Deadline deadline, std::stop_token stop) = 0;

  // Writes all that is queued, without reading.
  virtual Status flush(Deadline deadline, std::stop_token stop) = 0;

  // The client's TLS handshake with the options the channel was made with (chain, host name, pins).
  // Refused with Errc::Protocol when the last receive() may have handed out bytes behind the server's
  // OK: the caller, who knows, says so with `surplus` (bytes it has not consumed; injection).
  virtual Status start_tls(size_t surplus, Deadline deadline, std::stop_token stop) = 0;

  // DEFLATE in both directions from here on (RFC 4978); `surplus` are bytes that came behind the OK
  // and already belong to the compressed stream.
  virtual Status start_deflate(std::string_view surplus) = 0;

  virtual const TlsInfo* tls() const = 0;  // nullptr: not encrypted
  virtual Cost cost() const = 0;
  virtual const std::string& host() const = 0;  // as the user named it, for messages
};

}  // namespace libsync::net

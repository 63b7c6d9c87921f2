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
  uint64_t bytes_in = 0;  // on the wire: what TLS, COMPRESS and proxies add or save is counted
  uint64_t bytes_out = 0;
  uint64_t round_trips = 0;  // times the client went from sending to waiting
};

// What TLS agreed on, for channel binding and display.
struct TlsInfo {
  std::string version;               // "TLSv1.3"
  std::string cipher;                // "TLS_AES_256_GCM_SHA384"
  std::string fingerprint_sha256;    // of the server's certificate, lower-case hex
  std::string subject;               // its common name or first name, printable
  std::string expires;               // "2027-03-01 12:00 UTC"
  std::string tls_server_end_point;  // channel binding of RFC 5929, section 4; raw bytes, empty if undefined
  std::string tls_exporter;          // channel binding of RFC 9266; raw bytes, TLS 1.3 only
};

// One thread at a time. Every call that waits ends at its deadline (Errc::Network, retry) or within
// about 100 ms after the stop_token asks (Errc::Cancelled). Counted in bytes: nothing here knows a line
// or a literal.
//
// After an error the connection is unusable and every call returns that error again, with one
// exception: a receive() or flush() that ended at its deadline or by its stop_token lost nothing, and
// the next call goes on where it stopped (IDLE waits this way). broken() tells the two apart.
class Channel {
 public:
  virtual ~Channel() = default;

  // Queues bytes; they go out during the next receive() or flush(). Never waits. The bytes are copied.
  virtual void send(std::string_view bytes) = 0;

  // Writes what is queued and, at the same time, reads (so that neither side can wait for the other
  // for ever); returns as soon as at least one byte has come, however much is still queued. The view
  // is valid until the next call of receive(), start_tls() or start_deflate(). Empty: the peer closed
  // the connection in an orderly way (TLS close_notify included; a TLS stream cut without it is an
  // error, Errc::Network). Bytes that came before the connection broke are handed out before the error.
  virtual Result<std::string_view> receive(Deadline deadline, std::stop_token stop) = 0;

  // Writes all that is queued, without reading.
  virtual Status flush(Deadline deadline, std::stop_token stop) = 0;

  // The client's TLS handshake with the options the channel was made with (chain, host name, pins).
  // `surplus`: how many bytes of the last receive() the caller has not consumed, behind the server's
  // OK. Any of those, and any that wait in the socket, are an injection: Errc::Protocol, and nothing is
  // sent. All that was queued must have gone out before (Errc::Internal). Errc::Tls: see connect.h.
  virtual Status start_tls(size_t surplus, Deadline deadline, std::stop_token stop) = 0;

  // DEFLATE in both directions from here on (RFC 4978); `surplus` are bytes that came behind the OK
  // and already belong to the compressed stream. What was queued before goes out uncompressed. A stream
  // that is damaged is Errc::Protocol; one that expands past kMaxInflateRatio, or swallows input
  // without yielding anything, is Errc::Limit (deflate.h).
  virtual Status start_deflate(std::string_view surplus) = 0;

  // From any thread: the receive() that waits, or the next one, ends as at its deadline, with nothing lost.
  virtual void wake() {}

  virtual const TlsInfo* tls() const = 0;  // nullptr: not encrypted
  virtual Cost cost() const = 0;
  virtual const std::string& host() const = 0;  // as the user named it, for messages

  // True after an error from which the connection does not recover.
  virtual bool broken() const { return false; }
};

}  // namespace libsync::net

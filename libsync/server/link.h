// Connections without sockets: a client's channel whose other end is a session of this program's own server, and time
// that moves only while a client waits. To test with, and to measure on: the same calls give the same figures always.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/base/result.h"
#include "libsync/net/channel.h"
#include "libsync/server/session.h"

namespace libsync::server {

struct LinkOptions {
  Steady::duration delay{0};  // one way
  uint64_t rate_out = 0;      // octets a second from the client to the server; 0: no limit
  uint64_t rate_in = 0;       // from the server to the client
  // The connection ends when one more octet than so many is to pass, counted as cost() does, or so long after its
  // begin; what passed before still arrives. A TLS record of which a part is missing does not.
  std::optional<uint64_t> cut_out{}, cut_in{};
  std::optional<Steady::duration> cut_at{};
  bool orderly = false;    // the client sees the end as a close by the server, not as a lost connection
  bool encrypted = false;  // TLS from the first octet on
  // Of a TLS 1.3 handshake with a chain of two certificates, and of each record of at most 16 KiB.
  uint64_t tls_handshake_out = 600, tls_handshake_in = 2800, tls_record = 22;
  net::TlsInfo tls{.version = "TLSv1.3",
                   .cipher = {},
                   .fingerprint_sha256 = {},
                   .subject = {},
                   .expires = {},
                   .tls_server_end_point = {},
                   .tls_exporter = "of this connection"};
  std::string host = "localhost";
};

class Line;

// The clock, and all connections that live by it. One thread for the world and all of its channels; it outlives them,
// and what the sessions refer to outlives it.
class LinkWorld final : public Clock {
 public:
  using MakeSession = std::function<std::unique_ptr<Session>(Steady::time_point now)>;

  LinkWorld();
  ~LinkWorld() override;
  LinkWorld(const LinkWorld&) = delete;
  LinkWorld& operator=(const LinkWorld&) = delete;

  Steady::time_point now() const override { return now_; }
  int64_t unix_seconds() const override;

  // Takes the round trip of TCP, and with `encrypted` another for TLS, which alone cost() counts, as of sockets.
  // The session is to be made with the same `encrypted` and bindings_of() the options' TlsInfo.
  // Errc::Network: cut before that.
  Result<std::unique_ptr<net::Channel>> connect(LinkOptions options, const MakeSession& make_session);

  // Carries `act` out as soon as the time is there, inside of whoever waits then. It may use channels itself.
  void at(Steady::time_point when, std::function<void()> act);

  // All that happens until then, the servers' late answers included.
  void run_until(Steady::time_point when);

 private:
  friend class LinkChannel;
  void run_due();
  Steady::time_point next_event() const;
  void move_to(Steady::time_point when) { now_ = std::max(now_, when); }

  Steady::time_point now_;
  std::vector<std::shared_ptr<Line>> lines_;
  std::multimap<Steady::time_point, std::function<void()>> acts_;
};

}  // namespace libsync::server

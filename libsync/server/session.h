// What every server's session is to the connection that it is spoken over: bytes and the time in; bytes to send and the
// next deadline out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/sasl/mechanism.h"

namespace libsync::server {

// One thread at a time. Errors of the client never end a session without an answer; those that end it have one too.
class Session {
 public:
  virtual ~Session() = default;

  // Takes all of `bytes`, in any pieces. To be called while wants_input() alone, or it grows.
  virtual void feed(std::string_view bytes, Steady::time_point now) = 0;
  virtual bool wants_input() const = 0;

  // Carries out what can be, and gives what is to be sent next, each octet once. Empty: nothing now. More may follow as
  // soon as that is sent.
  virtual std::string take_output(Steady::time_point now) = 0;

  // TLS is to begin once the output is sent, with tls_started() behind the handshake.
  virtual bool wants_tls() const = 0;
  virtual void tls_started(std::vector<sasl::ChannelBinding> bindings, Steady::time_point now) = 0;

  // DEFLATE is to begin in both directions once the output is sent (RFC 4978): what came already behind the command
  // that asked for it, told once.
  virtual std::optional<std::string> take_deflate() { return std::nullopt; }

  // When the next call of take_output() is due without anything having come: an answer that was delayed, work that
  // is not done, or the end of patience.
  virtual Deadline deadline() const = 0;

  // Not for a reason of the client's: the session says `why` as its protocol has it, if it may now, and is over.
  virtual void shut_down(std::string_view why) = 0;

  // All is said: the connection is to be closed once the output is sent.
  virtual bool over() const = 0;
};

}  // namespace libsync::server

// A POP3 maildrop behind the replica port (RFC 1939). One mailbox, INBOX; no flags, no folders; what is
// removed goes when finish() is acknowledged. The maildrop is locked and does not change for the
// session: its listing is taken once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/base/result.h"
#include "libsync/base/trace.h"
#include "libsync/net/channel.h"
#include "libsync/pop3/session.h"
#include "libsync/sasl/mechanism.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

enum class Pop3Security {
  Tls,    // the channel is encrypted already
  Stls,   // STLS (RFC 2595) before anything else; no login without it
  Plain,  // the user allowed plain text by name, or the server is on loopback
};

struct Pop3Options {
  sasl::Credentials credentials{};
  Pop3Security security = Pop3Security::Tls;
  uint16_t port = 0;        // as connected to; goes into identity(); 0: left out
  std::string mechanism{};  // only this one (sasl/registry.h: "USER", "APOP", "PLAIN"…); empty: the best
  std::vector<std::string> forbidden_mechanisms{};
  std::string pinned_mechanism{};  // of the last login: nothing weaker; empty: no such limit
  // Told the mechanism that the server accepted, to pin it. May be empty.
  std::function<void(std::string_view mechanism)> on_login{};
  // Told what the server wants between logins (LOGIN-DELAY; RFC 2449, section 6.5). May be empty.
  std::function<void(std::chrono::seconds)> on_login_delay{};
  // Nothing goes out behind the last line of the login, whatever the server (reads_on.h).
  bool wait_for_login = false;
  // Told true when something went out there, and false when all of that is answered. May be empty.
  std::function<void(bool waiting)> on_ahead{};
  pop3::Timeouts timeouts{};
  // From the greeting to the open maildrop. Some servers count a large maildrop before they answer PASS.
  std::chrono::seconds login_timeout{300};
  pop3::Limits limits{};
  Trace* trace = nullptr;        // not owned, outlives the replica
  const Clock* clock = nullptr;  // not owned, outlives the replica; nullptr: the machine's
  sasl::RandomBytes random = sasl::system_random;
};

// Takes the channel through greeting, CAPA, STLS and login. Errors, one line with the host's name:
// Errc::Auth (refused credentials, or no mechanism that may be used), Errc::Tls (TLS required and not to
// be had), Errc::Refused with `retry` ([IN-USE], [LOGIN-DELAY], [SYS/TEMP]), Errc::Protocol (another
// protocol, tampering), Errc::Network, Errc::Limit, Errc::Cancelled.
//
// The replica's keys: the UIDL (RFC 1939, section 7). Where the server has none, or gives the same one to
// several messages, a digest of the header and size stands in or beside it (TOP n 0; where there is no
// TOP, of the whole message). Facts::print is set only where that digest was taken. changes() always
// reports `full`, unless the server's own answers contradict each other or a digest could not be had.
// apply(Remove) compares `size_expected` with LIST's size in this session, and any operation but Remove
// is Did::ReadOnly. After an error, or a stop, the session is over: removals marked in it did not happen,
// and finish() reports them as Did::Unknown.
Result<std::unique_ptr<sync::Replica>> open_pop3(std::unique_ptr<net::Channel> channel, Pop3Options options,
                                                 std::stop_token stop);

}  // namespace libsync::replicas

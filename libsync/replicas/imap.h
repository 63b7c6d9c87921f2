// An IMAP account behind the replica port (RFC 3501, RFC 9051). Messages are read by BODY.PEEK; unless
// ImapOptions::writable, mailboxes are opened by EXAMINE and nothing is changed on the server.
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
#include "libsync/imap/limits.h"
#include "libsync/net/channel.h"
#include "libsync/sasl/mechanism.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

enum class ImapSecurity {
  Tls,       // the channel is encrypted already
  StartTls,  // STARTTLS before anything else; no login without it
  Plain,     // the user allowed plain text by name, or the server is on loopback
};

struct ImapOptions {
  sasl::Credentials credentials{};
  ImapSecurity security = ImapSecurity::Tls;
  uint16_t port = 0;        // as connected to; goes into identity(); 0: left out
  std::string mechanism{};  // only this one (sasl/registry.h: "USER" is LOGIN); empty: the best
  std::vector<std::string> forbidden_mechanisms{};
  std::string pinned_mechanism{};  // of the last login: nothing weaker; empty: no such limit
  // Told the mechanism that the server accepted, to pin it. May be empty.
  std::function<void(std::string_view mechanism)> on_login{};
  // Told the server's [ALERT] texts, printable; only those said over a connection that is as safe as
  // asked for. May be empty.
  std::function<void(std::string_view text)> on_alert{};
  // What the server could do behind the login of the last session, as on_capabilities told it. A hint: by it ID,
  // ENABLE, NAMESPACE and LIST go out behind the last line of this login, and are asked for anew where it no longer
  // holds.
  std::string last_capabilities{};
  // Told what the server can do behind the login, where it would take commands there. May be empty.
  std::function<void(std::string_view capabilities)> on_capabilities{};
  // Nothing goes out behind the last line of the login, whatever the server (reads_on.h).
  bool wait_for_login = false;
  // Told true when something went out there, and false when all of that is answered. May be empty.
  std::function<void(bool waiting)> on_ahead{};
  bool writable = false;           // mailboxes are opened by SELECT, and apply() changes what it is told to
  bool compress = true;            // COMPRESS=DEFLATE where offered, from behind the first LIST on
  bool compress_loopback = false;  // to this machine too, where it costs more than it saves
  bool client_id = true;           // tell name and version by ID (RFC 2971); NetEase demands it
  bool all_mail = false;           // also Gmail's All Mail, which repeats what is in other mailboxes
  bool namespaces = false;         // also other users' and shared mailboxes
  // From the greeting to the login's answer.
  std::chrono::milliseconds login_timeout{60'000};
  // For the next bytes to come: a server may search a large mailbox for so long.
  std::chrono::milliseconds timeout{120'000};
  // For a tagged answer, beside what its octets take at kLeastRate (pace.h): servers at work on something
  // long say so again and again.
  std::chrono::milliseconds answer_timeout{1'200'000};
  std::chrono::milliseconds logout_timeout{5'000};  // for LOGOUT to go out; its answer is not waited for
  std::chrono::milliseconds poll_interval{60'000};  // wait() without IDLE
  imap::Limits limits{};
  Trace* trace = nullptr;  // not owned, outlives the replica
  sasl::RandomBytes random = sasl::system_random;
  const Clock* clock = nullptr;  // not owned, outlives the replica; nullptr: the machine's
};

// Takes the channel through greeting, STARTTLS and login. Errors, one line with the host's name: Errc::Auth
// (refused credentials, or no mechanism that may be used), Errc::Tls (TLS required and not to be had),
// Errc::Refused with `retry` ([UNAVAILABLE], [INUSE], [LIMIT]), Errc::Protocol (another protocol, tampering),
// Errc::Network, Errc::Limit, Errc::Cancelled.
//
// BoxId: MAILBOXID where the server has it (RFC 8474), else the encoded path. Facts::object: EMAILID or
// Gmail's X-GM-MSGID, where there are such. changes() passes mailboxes over whose STATUS in the last
// mailboxes() is what the cursor says (CONDSTORE), and climbs down QRESYNC, CONDSTORE with UID SEARCH, a full
// look. After an error or a stop the connection is of no use and every call fails.
//
// apply() without `writable`: Did::ReadOnly, whatever is asked for. With it: actions that can share a command or a
// flight do (docs/protocols.md); messages added in one call may get their UIDs in another order where the server
// refuses some of them. Mend is Did::Refused, Action::size_expected not compared: what a UID names never changes.
Result<std::unique_ptr<sync::Replica>> open_imap(std::unique_ptr<net::Channel> channel, ImapOptions options,
                                                 std::stop_token stop);

}  // namespace libsync::replicas

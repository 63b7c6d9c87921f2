// A session on a connection.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/base/result.h"
#include "libsync/net/channel.h"
#include "libsync/sasl/mechanism.h"
#include "libsync/server/session.h"

namespace libsync::server {

// Of a connection inside TLS, each that a client may bind to; none without TLS.
std::vector<sasl::ChannelBinding> bindings_of(const net::Channel& channel);

// Carries what the session says and hears until it is over, the client leaves (both are OK), the connection breaks
// (Errc::Network, Errc::Tls) or `stop` asks (Errc::Cancelled). Blocks; a session's work is done on this thread.
Status serve(net::Channel& channel, Session& session, const Clock& clock, std::stop_token stop);

}  // namespace libsync::server

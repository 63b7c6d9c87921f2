#include "libsync/server/connection.h"

#include "libsync/base/words.h"

namespace libsync::server {
namespace {

// For one piece of output, some 64 kB, to be taken by the client's system: the slowest line does.
constexpr std::chrono::seconds kWriteTimeout{300};
constexpr std::chrono::seconds kHandshakeTimeout{30};
constexpr std::chrono::seconds kGoodbyeTimeout{1};

// What was carried out was answered; what was not begun is not.
Status say_goodbye(net::Channel& channel, Session& session, const Clock& clock) {
  session.shut_down("the server is going down");
  channel.send(session.take_output(clock.now()));
  // Whether it is heard does not matter.
  (void)channel.flush(clock.now() + kGoodbyeTimeout, {});
  return fail(Errc::Cancelled, libsync::say("stopped"));
}

}  // namespace

std::vector<sasl::ChannelBinding> bindings_of(const net::Channel& channel) {
  std::vector<sasl::ChannelBinding> bindings;
  const net::TlsInfo* info = channel.tls();
  if (info == nullptr) return bindings;
  if (!info->tls_exporter.empty()) bindings.push_back({.type = "tls-exporter", .data = info->tls_exporter});
  if (!info->tls_server_end_point.empty()) {
    bindings.push_back({.type = "tls-server-end-point", .data = info->tls_server_end_point});
  }
  return bindings;
}

Status serve(net::Channel& channel, Session& session, const Clock& clock, std::stop_token stop) {
  while (true) {
    if (stop.stop_requested()) return say_goodbye(channel, session, clock);
    // A piece of output may be a megabyte, and its client take minutes: it is held once, by the channel.
    const bool said = [&] {
      const std::string out = session.take_output(clock.now());
      channel.send(out);
      return !out.empty();
    }();
    if (said || session.over() || session.wants_tls()) {
      TB_TRY(channel.flush(clock.now() + kWriteTimeout, stop));
      if (session.over()) return {};
      if (const auto behind = session.take_deflate()) TB_TRY(channel.start_deflate(*behind));
      if (!session.wants_tls()) continue;
      TB_TRY(channel.start_tls(0, clock.now() + kHandshakeTimeout, stop));
      session.tls_started(bindings_of(channel), clock.now());
      continue;
    }
    const auto bytes = channel.receive(session.deadline(), stop);
    if (bytes && bytes->empty()) return {};
    if (bytes) {
      session.feed(*bytes, clock.now());
    } else if (channel.broken() || (bytes.error().code != Errc::Network && bytes.error().code != Errc::Cancelled)) {
      return fail(bytes.error());
    }
  }
}

}  // namespace libsync::server

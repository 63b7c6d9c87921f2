#include "libsync/net/connect.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/net/socket.h"
#include "libsync/net/socket_channel.h"

namespace libsync::net {
namespace {

// RFC 1035, section 2.3.4, and room for the final dot.
constexpr size_t kMaxHost = 254;

Status check_target(const std::string& host, uint16_t port) {
  const bool ascii = std::ranges::all_of(host, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (host.empty() || host.size() > kMaxHost || !ascii) {
    return fail({.code = Errc::Usage,
                 .what = say("\"{}\" is not a host name", printable(host, 100)),
                 .hint = say("names in other scripts are written in their xn-- form")});
  }
  if (port == 0) return fail(Errc::Usage, say("no port is given for {}", host));
  return {};
}

void note(Trace* trace, const std::string& text) {
  if (trace != nullptr) trace->line(TraceKind::Note, text);
}

Result<std::vector<Address>> resolve(const std::string& host, const ConnectOptions& options, Deadline deadline,
                                     const std::stop_token& stop) {
  if (!is_ip_address(host)) note(options.trace, say("looking up {}", host));
  TB_ASSIGN(auto addresses, options.resolver(host, options.family, deadline, stop));
  std::erase_if(addresses, [&](const Address& one) {
    return (options.family == Family::V4 && one.v6) || (options.family == Family::V6 && !one.v6);
  });
  if (addresses.empty()) return fail(Errc::Network, say("{} has no address of the kind asked for", host));
  std::vector<std::string_view> texts;
  for (const auto& one : addresses) texts.push_back(one.ip);
  if (!is_ip_address(host)) note(options.trace, say("resolved {} to {}", host, fmt::join(texts, ", ")));
  return interleave(std::move(addresses));
}

Result<Socket> reach(const std::string& host, uint16_t port, const ConnectOptions& options, Deadline deadline,
                     const std::stop_token& stop) {
  TB_ASSIGN(const auto addresses, resolve(host, options, deadline, stop));
  const auto tell = [&](const std::string& text) { note(options.trace, text); };
  TB_ASSIGN(auto socket,
            Socket::dial(addresses, port, options.connect_timeout, deadline, stop, shown(host, port), tell));
  note(options.trace, say("connected to {}", shown(socket.peer(), port)));
  return socket;
}

Result<Socket> open_socket(const Target& target, const ConnectOptions& options, Deadline deadline,
                           const std::stop_token& stop) {
  if (!options.proxy) return reach(target.host, target.port, options, deadline, stop);
  const auto& proxy = *options.proxy;
  TB_ASSIGN(auto socket, reach(proxy.host, proxy.port, options, deadline, stop));
  TB_TRY(open_tunnel(socket, proxy, target.host, target.port, deadline, stop));
  note(options.trace,
       say("the proxy {} connected to {}", shown(proxy.host, proxy.port), shown(target.host, target.port)));
  return socket;
}

Result<std::unique_ptr<Channel>> try_to_connect(const Target& target, const ConnectOptions& options,
                                                const std::stop_token& stop) {
  TB_TRY(check_target(target.host, target.port));
  if (stop.stop_requested()) return fail(cancelled());
  const auto deadline = Steady::now() + options.overall_timeout;
  TB_ASSIGN(auto socket, open_socket(target, options, deadline, stop));
  auto channel =
      std::make_unique<SocketChannel>(std::move(socket), target.host, target.port, options.tls, options.trace);
  if (target.security == Security::ImplicitTls) TB_TRY(channel->handshake(deadline, stop));
  return channel;
}

}  // namespace

Result<std::unique_ptr<Channel>> connect(const Target& target, const ConnectOptions& options, std::stop_token stop) {
  auto channel = try_to_connect(target, options, stop);
  // The dialogue ends with what ended it; the person who reads it looks for the cause there.
  if (!channel) note(options.trace, say("failed: {}", channel.error().what));
  return channel;
}

}  // namespace libsync::net

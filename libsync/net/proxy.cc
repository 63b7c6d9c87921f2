#include "libsync/net/proxy.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/net/socket.h"
#include "libsync/net/tunnel.h"

namespace libsync::net {
namespace {
constexpr uint16_t kSocksPort = 1080, kHttpPort = 8080;

std::unexpected<Error> bad_proxy() {
  return fail(
      {.code = Errc::Config,
       .what = say("the proxy's address is not understood"),
       .hint = say("write socks5://host:port or http://host:port, with user:password@ before the host if needed")});
}
}  // namespace

Result<Proxy> parse_proxy(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(boost::core::string_view(text.data(), text.size()));
  if (!parsed) return bad_proxy();
  const boost::urls::url_view& url = *parsed;
  Proxy proxy;
  const std::string scheme(url.scheme());
  if (iequals(scheme, "socks5") || iequals(scheme, "socks5h")) {
    proxy.port = kSocksPort;
  } else if (iequals(scheme, "http")) {
    proxy.kind = Proxy::Kind::HttpConnect;
    proxy.port = kHttpPort;
  } else {
    return bad_proxy();
  }
  proxy.host = url.host_type() == boost::urls::host_type::ipv6 ? std::string(url.encoded_host_address().decode())
                                                               : std::string(url.host_address());
  if (url.has_port() && !url.port().empty()) {
    const auto number = parse_u64(std::string(url.port()));
    if (!number || *number > std::numeric_limits<uint16_t>::max()) return bad_proxy();
    proxy.port = static_cast<uint16_t>(*number);
  }
  const auto path = url.encoded_path();
  if (proxy.host.empty() || proxy.port == 0 || url.has_query() || url.has_fragment() || (!path.empty() && path != "/"))
    return bad_proxy();
  if (url.has_userinfo()) {
    proxy.user = url.user();
    proxy.password = Secret(url.password());
  }
  return proxy;
}

Status open_tunnel(Socket& socket, const Proxy& proxy, const std::string& host, uint16_t port, Deadline deadline,
                   std::stop_token stop) {
  const auto who = say("the proxy {}:{}", proxy.host, proxy.port);
  const auto make = proxy.kind == Proxy::Kind::Socks5 ? socks5_tunnel : http_tunnel;
  const auto tunnel = make(proxy, host, port);
  std::array<char, 512> buffer{};
  for (;;) {
    if (const Secret out = tunnel->take_output(); !out.empty())
      TB_TRY(socket.write_all(out.reveal(), who, deadline, stop));
    if (tunnel->wants() == 0) return {};
    const auto piece = std::span(buffer).first(std::min(tunnel->wants(), buffer.size()));
    TB_TRY(socket.read_exactly(piece, who, deadline, stop));
    TB_TRY(tunnel->take({piece.data(), piece.size()}));
  }
}

}  // namespace libsync::net

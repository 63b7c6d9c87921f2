// The dialogue with a proxy as octets, without a socket: any cut gives the same.
#include "libsync/net/tunnel.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace libsync::net {
namespace {

// What was sent, then "open" or the error, then what was left for the server.
std::string talk(Proxy proxy, std::string_view answers, size_t piece) {
  proxy.host = "proxy", proxy.port = 1080;
  const auto make = proxy.kind == Proxy::Kind::Socks5 ? socks5_tunnel : http_tunnel;
  const auto tunnel = make(proxy, "192.0.2.1", 110);
  std::string log;
  for (;;) {
    if (const Secret out = tunnel->take_output(); !out.empty()) log += out.reveal() + "|";
    if (tunnel->wants() == 0) return log + "open:" + std::string(answers);
    const size_t size = std::min({tunnel->wants(), piece, answers.size()});
    if (size == 0) return log + "waits";
    const Status status = tunnel->take(answers.substr(0, size));
    answers.remove_prefix(size);
    if (!status) return log + status.error().what;
  }
}

void holds(const Proxy& proxy, std::string_view answers, std::string_view expected) {
  const std::string once = talk(proxy, answers, SIZE_MAX);
  EXPECT_NE(once.find(expected), std::string::npos) << once;
  for (const size_t piece : {1U, 2U, 3U}) EXPECT_EQ(talk(proxy, answers, piece), once) << piece;
}

using namespace std::string_literals;

TEST(Tunnel, Socks5HoweverItIsCut) {
  const Proxy plain{}, named{.user = "me", .password = Secret("pw")};
  const std::string request = "\x05\x01\0\x01\xc0\0\x02\x01\0\x6e|"s;
  holds(plain, "\x05\0\x05\0\0\x01....pp+OK"s, request + "open:+OK");
  holds(plain, "\x05\0\x05\0\0\x04................pp* OK"s, request + "open:* OK");
  holds(plain, "\x05\0\x05\0\0\x03\x03...pp"s, request + "open:");
  holds(plain, "\x05\0\x05\0\0\x03\0pp+"s, request + "open:+");
  holds(named, "\x05\x02\x01\0\x05\0\0\x01....pp+"s, "\x01\x02me\x02pw|" + request + "open:+");
  holds(named, "\x05\x02\x01\x01"s, "refused its user name or password");
  holds(plain, "\x05\0\x05\x02\0\x01"s, "its rules forbid it");
  holds(plain, "\x05\0\x05\0\0\x09"s, "does not speak SOCKS5");
  holds(plain, "HTTP/1.1 400"s, "does not speak SOCKS5");
  holds(plain, "\x05\0\x05\0\0\x01..."s, "waits");
}

TEST(Tunnel, HttpConnectHoweverItIsCut) {
  const Proxy proxy{.kind = Proxy::Kind::HttpConnect};
  holds(proxy, "HTTP/1.1 200 Fine\r\nVia: x\r\n\r\n+OK"s, "open:+OK");
  holds(proxy, "HTTP/1.0 200 Fine\r\n\r\n"s, "open:");
  holds(proxy, "HTTP/1.1 403 Forbidden\r\n\r\n"s, "could not connect to 192.0.2.1:110");
  holds(proxy, "HTTP/1.1 407 Who?\r\n\r\n"s, "demands another user name or password");
  holds(proxy, "\x05\0"s, "does not answer as an HTTP proxy does");
  holds(proxy, "HTTP/1.1 200 Fine\r\nVia: x\r\n"s, "waits");
  holds(proxy, "HTTP/1.1 200 Fine\r\nX: " + std::string(16 << 10, 'x'), "does not answer as an HTTP proxy does");
}

}  // namespace
}  // namespace libsync::net

#include <sstream>
#include <string>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/format.h>

#include "libsync/base/base64.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/net/proxy.h"
#include "libsync/net/socket.h"

namespace libsync::net {
namespace {

namespace http = boost::beast::http;

// A proxy's answer to CONNECT is a status line and a few fields.
constexpr uint32_t kMaxHeader = 16 << 10;

std::string authority(const std::string& host, uint16_t port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

Secret request_text(const Proxy& proxy, const std::string& target) {
  http::request<http::empty_body> request(http::verb::connect, target, 11);
  request.set(http::field::host, target);
  if (!proxy.user.empty()) {
    const Secret pair(proxy.user + ":" + proxy.password.reveal());
    request.set(http::field::proxy_authorization, "Basic " + base64_encode(pair.reveal()));
  }
  std::ostringstream text;
  text << request.base();
  return Secret(text.str());
}

// Byte by byte up to the empty line: what lies behind it is the server's, not the proxy's.
Result<std::string> read_header(Socket& socket, const std::string& who, Deadline deadline,
                                const std::stop_token& stop) {
  std::string text;
  while (!text.ends_with("\r\n\r\n") && !text.ends_with("\n\n")) {
    char byte = 0;
    TB_TRY(socket.read_exactly({&byte, 1}, who, deadline, stop));
    text.push_back(byte);
    const bool http_so_far = std::string_view("HTTP/").starts_with(std::string_view(text).substr(0, 5));
    if (!http_so_far || text.size() > kMaxHeader) {
      return fail({.code = Errc::Protocol,
                   .what = say("{} does not answer as an HTTP proxy does", who),
                   .hint = say("see whether the proxy's kind and port are right")});
    }
  }
  return text;
}

Status judge(const std::string& header, const std::string& who, const std::string& target) {
  http::response_parser<http::empty_body> parser;
  parser.skip(true);
  parser.header_limit(kMaxHeader);
  boost::beast::error_code bad;
  parser.put(boost::asio::buffer(header), bad);
  if (bad || !parser.is_header_done())
    return fail(Errc::Protocol, say("{} does not answer as an HTTP proxy does", who));
  const auto& answer = parser.get();
  const unsigned status = answer.result_int();
  if (status >= 200 && status < 300) return {};
  if (status == 407) return fail(Errc::Auth, say("{} demands another user name or password", who));
  const auto reason = answer.reason();
  return fail({.code = status >= 500 ? Errc::Network : Errc::Refused,
               .what = say("{} could not connect to {}", who, target),
               .server = printable(fmt::format("{} {}", status, std::string_view(reason.data(), reason.size()))),
               .retry = status >= 500});
}

}  // namespace

Status http_tunnel(Socket& socket, const Proxy& proxy, const std::string& host, uint16_t port, Deadline deadline,
                   std::stop_token stop) {
  const auto who = say("the proxy {}:{}", proxy.host, proxy.port);
  const auto target = authority(host, port);
  TB_TRY(socket.write_all(request_text(proxy, target).reveal(), who, deadline, stop));
  TB_ASSIGN(const auto header, read_header(socket, who, deadline, stop));
  return judge(header, who, target);
}

}  // namespace libsync::net

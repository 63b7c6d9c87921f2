#include <sstream>
#include <string>
#include <utility>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/format.h>

#include "libsync/base/base64.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/net/tunnel.h"

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

class HttpConnect final : public Tunnel {
 public:
  HttpConnect(const Proxy& proxy, const std::string& host, uint16_t port)
      : who_(say("the proxy {}:{}", proxy.host, proxy.port)),
        target_(authority(host, port)),
        output_(request_text(proxy, target_)) {}

  Secret take_output() override { return std::exchange(output_, Secret()); }
  // Octet by octet up to the empty line: what lies behind it is the server's, not the proxy's.
  size_t wants() const override { return open_ ? 0 : 1; }

  Status take(std::string_view bytes) override {
    for (const char octet : bytes.substr(0, wants())) {
      header_ += octet;
      const bool http_so_far = std::string_view("HTTP/").starts_with(std::string_view(header_).substr(0, 5));
      if (!http_so_far || header_.size() > kMaxHeader) {
        return fail({.code = Errc::Protocol,
                     .what = say("{} does not answer as an HTTP proxy does", who_),
                     .hint = say("see whether the proxy's kind and port are right")});
      }
    }
    if (!header_.ends_with("\r\n\r\n") && !header_.ends_with("\n\n")) return {};
    TB_TRY(judge(header_, who_, target_));
    open_ = true;
    return {};
  }

 private:
  std::string who_, target_;
  Secret output_;
  std::string header_;
  bool open_ = false;
};

}  // namespace

std::unique_ptr<Tunnel> http_tunnel(const Proxy& proxy, const std::string& host, uint16_t port) {
  return std::make_unique<HttpConnect>(proxy, host, port);
}

}  // namespace libsync::net

#include <string>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include "libsync/base/words.h"
#include "libsync/net/tunnel.h"

namespace libsync::net {
namespace {

// RFC 1928, sections 3 to 6; RFC 1929.
constexpr char kVersion = 5, kPasswordVersion = 1, kNoAuth = 0, kUserPassword = 2, kConnect = 1;
constexpr char kV4 = 1, kName = 3, kV6 = 4;
constexpr auto kNoMethod = static_cast<char>(0xff);
constexpr size_t kMaxField = 255;

char length(std::string_view text) { return static_cast<char>(static_cast<unsigned char>(text.size())); }

// The name goes to the proxy as it is: what it is for is hidden from the local DNS.
std::string address_field(const std::string& host) {
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1)
    return kV4 + std::string(reinterpret_cast<const char*>(&v4), sizeof v4);
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1)
    return kV6 + std::string(reinterpret_cast<const char*>(&v6), sizeof v6);
  return std::string{kName} + length(host) + host;
}

std::string_view reply_words(int reply) {
  switch (reply) {
    case 1:
      return word("it failed");
    case 2:
      return word("its rules forbid it");
    case 3:
      return word("the network cannot be reached");
    case 4:
      return word("the host cannot be reached, or its name is unknown");
    case 5:
      return word("the connection was refused");
    case 6:
      return word("it took too long");
    default:
      return word("it gave a reason of its own");
  }
}

class Socks5 final : public Tunnel {
 public:
  Socks5(const Proxy& proxy, const std::string& host, uint16_t port)
      : proxy_(proxy), host_(host), port_(port), who_(say("the proxy {}:{}", proxy.host, proxy.port)) {
    output_ = Secret(proxy.user.empty() ? std::string{kVersion, 1, kNoAuth}
                                        : std::string{kVersion, 2, kNoAuth, kUserPassword});
  }

  Secret take_output() override { return std::exchange(output_, Secret()); }
  size_t wants() const override { return size_of(next_) - answer_.size(); }

  Status take(std::string_view bytes) override {
    answer_ += bytes.substr(0, wants());
    return wants() > 0 ? Status() : heard(std::exchange(answer_, {}));
  }

 private:
  // What the proxy says next.
  enum class Part { Method, Password, Reply, NameLength, Address, Nothing };

  size_t size_of(Part part) const {
    switch (part) {
      case Part::Method:
      case Part::Password:
        return 2;
      case Part::Reply:
        return 4;
      case Part::NameLength:
        return 1;
      case Part::Address:
        return address_ + 2;
      case Part::Nothing:
        return 0;
    }
    return 0;
  }

  Status heard(std::string_view answer) {
    switch (next_) {
      case Part::Method:
        return method(answer);
      case Part::Password:
        return answer[1] == 0 ? connect() : bad_credentials();
      case Part::Reply:
        return reply(answer);
      case Part::NameLength:
        address_ = static_cast<unsigned char>(answer[0]);
        next_ = Part::Address;
        return {};
      default:
        next_ = Part::Nothing;
        return {};
    }
  }

  Status method(std::string_view answer) {
    const bool named = !proxy_.user.empty();
    if (answer[0] != kVersion) return not_socks();
    if (answer[1] == kNoAuth) return connect();
    if (answer[1] == kUserPassword && named) return authenticate();
    if (answer[1] != kNoMethod) return not_socks();
    return fail({.code = Errc::Auth,
                 .what = named ? say("{} accepts neither our user name nor none", who_)
                               : say("{} demands a user name and password", who_)});
  }

  Status authenticate() {
    const auto& password = proxy_.password.reveal();
    if (proxy_.user.size() > kMaxField || password.size() > kMaxField) return bad_credentials();
    output_ = Secret(std::string{kPasswordVersion} + length(proxy_.user) + proxy_.user + length(password) + password);
    next_ = Part::Password;
    return {};
  }

  Status connect() {
    std::string request{kVersion, kConnect, 0};
    request += address_field(host_);
    request += {static_cast<char>(port_ >> 8), static_cast<char>(port_ & 0xff)};
    output_ = Secret(std::move(request));
    next_ = Part::Reply;
    return {};
  }

  // Behind it comes the address that the proxy connects from: nobody needs it, but it has to be read.
  Status reply(std::string_view answer) {
    if (answer[0] != kVersion) return not_socks();
    if (const int reply = static_cast<unsigned char>(answer[1]); reply != 0) {
      return fail({.code = reply == 2 ? Errc::Refused : Errc::Network,
                   .what = say("{} could not connect to {}:{}: {}", who_, host_, port_, reply_words(reply)),
                   .retry = reply != 2});
    }
    if (answer[3] != kV4 && answer[3] != kV6 && answer[3] != kName) return not_socks();
    address_ = answer[3] == kV4 ? 4 : 16;
    next_ = answer[3] == kName ? Part::NameLength : Part::Address;
    return {};
  }

  Status not_socks() const {
    return fail({.code = Errc::Protocol,
                 .what = say("{} does not speak SOCKS5", who_),
                 .hint = say("see whether the proxy's kind and port are right")});
  }
  Status bad_credentials() const {
    return fail({.code = Errc::Auth, .what = say("{} refused its user name or password", who_)});
  }

  Proxy proxy_;
  std::string host_;
  uint16_t port_;
  std::string who_;
  Secret output_;
  Part next_ = Part::Method;
  size_t address_ = 0;
  std::string answer_;
};

}  // namespace

std::unique_ptr<Tunnel> socks5_tunnel(const Proxy& proxy, const std::string& host, uint16_t port) {
  return std::make_unique<Socks5>(proxy, host, port);
}

}  // namespace libsync::net

#include <array>
#include <string>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include "libsync/base/words.h"
#include "libsync/net/proxy.h"
#include "libsync/net/socket.h"

namespace libsync::net {
namespace {

// RFC 1928, sections 3 to 6; RFC 1929.
constexpr char kVersion = 5, kPasswordVersion = 1, kNoAuth = 0, kUserPassword = 2, kConnect = 1;
constexpr char kV4 = 1, kName = 3, kV6 = 4;
constexpr auto kNoMethod = static_cast<char>(0xff);
constexpr size_t kMaxField = 255;

// One dialogue, so that its parts need not hand on five arguments each.
struct Dialogue {
  Socket& socket;
  const Proxy& proxy;
  std::string who;
  Deadline deadline;
  std::stop_token stop;

  Status write(std::string_view bytes) { return socket.write_all(bytes, who, deadline, stop); }
  Status read(std::span<char> out) { return socket.read_exactly(out, who, deadline, stop); }
};

std::unexpected<Error> not_socks(const Dialogue& with) {
  return fail({.code = Errc::Protocol,
               .what = say("{} does not speak SOCKS5", with.who),
               .hint = say("see whether the proxy's kind and port are right")});
}

std::unexpected<Error> bad_credentials(const Dialogue& with) {
  return fail({.code = Errc::Auth, .what = say("{} refused its user name or password", with.who)});
}

char length(std::string_view text) { return static_cast<char>(static_cast<unsigned char>(text.size())); }

Status authenticate(Dialogue& with) {
  const auto& password = with.proxy.password.reveal();
  if (with.proxy.user.size() > kMaxField || password.size() > kMaxField) return bad_credentials(with);
  Secret request(std::string{kPasswordVersion} + length(with.proxy.user) + with.proxy.user + length(password) +
                 password);
  TB_TRY(with.write(request.reveal()));
  std::array<char, 2> answer{};
  TB_TRY(with.read(answer));
  return answer[1] == 0 ? Status{} : bad_credentials(with);
}

Status choose_method(Dialogue& with) {
  const bool named = !with.proxy.user.empty();
  TB_TRY(with.write(named ? std::string{kVersion, 2, kNoAuth, kUserPassword} : std::string{kVersion, 1, kNoAuth}));
  std::array<char, 2> answer{};
  TB_TRY(with.read(answer));
  if (answer[0] != kVersion) return not_socks(with);
  if (answer[1] == kNoAuth) return {};
  if (answer[1] == kUserPassword && named) return authenticate(with);
  if (answer[1] != kNoMethod) return not_socks(with);
  return fail({.code = Errc::Auth,
               .what = named ? say("{} accepts neither our user name nor none", with.who)
                             : say("{} demands a user name and password", with.who)});
}

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

// The address the proxy connects from: nobody needs it, but it has to be read.
Status skip_bound_address(Dialogue& with, char type) {
  size_t size = type == kV4 ? 4 : type == kV6 ? 16 : 0;
  if (type == kName) {
    std::array<char, 1> name{};
    TB_TRY(with.read(name));
    size = static_cast<unsigned char>(name[0]);
  } else if (size == 0) {
    return not_socks(with);
  }
  std::array<char, kMaxField + 2> bytes{};
  return with.read(std::span(bytes).first(size + 2));
}

}  // namespace

Status socks5_tunnel(Socket& socket, const Proxy& proxy, const std::string& host, uint16_t port, Deadline deadline,
                     std::stop_token stop) {
  Dialogue with{socket, proxy, say("the proxy {}:{}", proxy.host, proxy.port), deadline, std::move(stop)};
  TB_TRY(choose_method(with));
  std::string request{kVersion, kConnect, 0};
  request += address_field(host);
  request += {static_cast<char>(port >> 8), static_cast<char>(port & 0xff)};
  TB_TRY(with.write(request));
  std::array<char, 4> answer{};
  TB_TRY(with.read(answer));
  if (answer[0] != kVersion) return not_socks(with);
  if (const int reply = static_cast<unsigned char>(answer[1]); reply != 0) {
    return fail({.code = reply == 2 ? Errc::Refused : Errc::Network,
                 .what = say("{} could not connect to {}:{}: {}", with.who, host, port, reply_words(reply)),
                 .retry = reply != 2});
  }
  return skip_bound_address(with, answer[3]);
}

}  // namespace libsync::net

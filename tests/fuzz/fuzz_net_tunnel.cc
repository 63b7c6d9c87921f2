// What a proxy answers. The first octet chooses the dialogue, the rest comes whole and octet by octet: the outcome is
// the same, no octet behind the tunnel's opening is taken, and no password gets into an error.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "libsync/net/tunnel.h"

namespace {

using namespace libsync;

struct Outcome {
  std::string error, sent;
  size_t taken = 0;
  bool open = false;
  bool operator==(const Outcome&) const = default;
};

Outcome talk(const net::Proxy& proxy, std::string_view answers, size_t piece) {
  const auto make = proxy.kind == net::Proxy::Kind::Socks5 ? net::socks5_tunnel : net::http_tunnel;
  const auto tunnel = make(proxy, "mail.example.org", 993);
  Outcome outcome;
  for (;;) {
    outcome.sent += tunnel->take_output().reveal();
    const size_t size = std::min({tunnel->wants(), piece, answers.size()});
    outcome.open = tunnel->wants() == 0;
    if (size == 0) return outcome;
    const Status status = tunnel->take(answers.substr(0, size));
    answers.remove_prefix(size);
    outcome.taken += size;
    if (status) continue;
    outcome.error = status.error().text() + status.error().hint;
    return outcome;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  net::Proxy proxy{.host = "proxy", .port = 1080};
  if ((data[0] & 1) != 0) proxy.kind = net::Proxy::Kind::HttpConnect;
  if ((data[0] & 2) != 0) {
    proxy.user = "joe";
    proxy.password = Secret("hunter2hunter2");
  }
  const std::string_view answers(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = talk(proxy, answers, SIZE_MAX);
  if (talk(proxy, answers, 1) != whole) std::abort();
  if (whole.open && talk(proxy, answers.substr(0, whole.taken), SIZE_MAX) != whole) std::abort();
  const std::string_view password = proxy.password.reveal();
  if (!password.empty() && whole.error.find(password) != std::string::npos &&
      answers.find(password) == std::string_view::npos) {
    std::abort();
  }
  return 0;
}

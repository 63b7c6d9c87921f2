// What a user writes for a proxy and for a pinned certificate. A password never gets into an error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libsync/net/proxy.h"
#include "libsync/net/tls_options.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace libsync::net;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)parse_pin(text);
  if (const auto proxy = parse_proxy(text); proxy && (proxy->host.empty() || proxy->port == 0)) std::abort();
  // A long password that nothing else holds, before whatever comes.
  constexpr std::string_view kPassword = "hunter2hunter2";
  const auto named = parse_proxy("socks5://joe:" + std::string(kPassword) + "@" + std::string(text));
  if (!named && (named.error().text() + named.error().hint).find(kPassword) != std::string::npos &&
      text.find(kPassword) == text.npos) {
    std::abort();
  }
  return 0;
}

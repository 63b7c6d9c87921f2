// Challenges from a hostile server: the first octet picks the mechanism, lines are challenges.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libsync/sasl/registry.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace libsync;
  if (size == 0) return 0;
  const auto rows = sasl::mechanisms();
  const auto& row = rows[data[0] % rows.size()];
  if (row.make == nullptr) return 0;
  sasl::Context context;
  context.credentials = {.user = "user", .password = Secret("pencil"), .token = Secret("token"), .authzid = ""};
  context.random = [](size_t bytes) { return std::string(bytes, '\0'); };  // the nonce is all A's: seeds can extend it
  context.binding = sasl::ChannelBinding{"tls-exporter", "data"};
  const auto mechanism = row.make(std::move(context));
  if (!mechanism->initial()) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    // PBKDF2 is what costs: counts in seeds stay small, longer ones are cut here.
    const std::string_view challenge = rest.substr(0, end);
    const size_t count = challenge.find("i=");
    if (count != challenge.npos && challenge.size() - count > 6) return 0;
    if (!mechanism->respond(challenge)) break;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  (void)mechanism->done();
  (void)mechanism->failure();
  return 0;
}

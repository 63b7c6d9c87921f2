// Responses from a hostile client: the first octet picks the mechanism, lines are responses.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libsync/sasl/server.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace libsync;
  if (size == 0) return 0;
  const auto rows = sasl::server_mechanisms();
  const auto& row = rows[data[0] % rows.size()];
  sasl::ServerContext context;
  context.find_password = [](std::string_view user) {
    return user == "user" ? std::optional(Secret("pencil")) : std::nullopt;
  };
  context.random = [](size_t bytes) { return std::string(bytes, '\0'); };  // known: seeds can prove themselves
  context.bindings = {{.type = "tls-exporter", .data = "data"}};
  context.salt_secret = Secret("salt");
  context.iterations = 2;  // else an input costs what PBKDF2 costs
  const auto mechanism = row.make(std::move(context));
  if (!mechanism->begin()) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const auto turn = mechanism->take(rest.substr(0, end));
    if (!turn || turn->done) break;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  (void)mechanism->user();
  return 0;
}

// The configuration file: any bytes give a configuration or an error with its place, and addresses that were read can
// be written and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libsync/account/config.h"
#include "libsync/account/remote_url.h"

namespace {

void check(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace account = libsync::account;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const account::Places places{.home = "/h", .config_home = "/h/.config", .data_home = "/h/.local/share"};
  const auto config = account::parse_config(text, "c.toml", places, true);
  if (!config) {
    check(!config.error().what.empty());
    return 0;
  }
  for (const auto& one : config->accounts) check(account::parse_remote(account::to_url(one.remote)).has_value());
  return 0;
}

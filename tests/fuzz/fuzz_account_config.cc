// The configuration file: any bytes give a configuration or an error with its place, and editing keeps the
// promise that what it writes can be read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libsync/account/config_edit.h"

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
  const account::NewAccount added{.name = "zz-new", .values = {{"remote", "\"imaps://me@h\""}}};
  const auto more = account::add_account(text, added, "c.toml", places);
  if (more) {
    const auto again = account::parse_config(*more, "c.toml", places, true);
    check(again.has_value() && again->accounts.size() == config->accounts.size() + 1);
    (void)account::remove_account(*more, "zz-new", "c.toml", places);
  }
  for (const auto& one : config->accounts) {
    check(account::parse_remote(account::to_url(one.remote)).has_value());
    const auto less = account::remove_account(text, one.name, "c.toml", places);
    if (less)
      check(account::parse_config(*less, "c.toml", places, true)->accounts.size() + 1 == config->accounts.size());
  }
  return 0;
}

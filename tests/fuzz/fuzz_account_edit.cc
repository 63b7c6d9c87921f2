// Changes of the configuration file: what is written can be read again, and nothing else has changed. What is no
// configuration is fuzz_account_config's: an edit reads all of it several times, and its cost is not to be measured
// against junk that the first octet gives away.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libsync/account/config_edit.h"

#include "tests/fuzz/cost.h"

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
  if (!config) return libsync::fuzz::kRefused;
  const account::NewAccount added{.name = "zz-new", .values = {{"remote", "\"imaps://me@h\""}}};
  const auto more = account::add_account(text, added, "c.toml", places);
  if (more) {
    const auto again = account::parse_config(*more, "c.toml", places, true);
    check(again.has_value() && again->accounts.size() == config->accounts.size() + 1);
    (void)account::remove_account(*more, "zz-new", "c.toml", places);
  }
  for (const auto& one : config->accounts) {
    const auto less = account::remove_account(text, one.name, "c.toml", places);
    if (less)
      check(account::parse_config(*less, "c.toml", places, true)->accounts.size() + 1 == config->accounts.size());
  }
  return 0;
}

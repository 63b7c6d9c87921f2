// The address of an account's server: what was understood comes back from its own text.
#include <cstdint>
#include <cstdlib>

#include "libsync/account/remote_url.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace libsync::account;
  const auto remote = parse_remote({reinterpret_cast<const char*>(data), size});
  if (!remote) return 0;
  if (remote->port == 0 || remote->host.empty() || remote->user.empty()) std::abort();
  const auto again = parse_remote(to_url(*remote));
  if (!again || *again != *remote) std::abort();
  return 0;
}

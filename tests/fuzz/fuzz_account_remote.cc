// The address of an account's server: what was understood comes back from its own text.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libsync/account/remote_url.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace libsync::account;
  const auto remote = parse_remote({reinterpret_cast<const char*>(data), size});
  if (!remote) return 0;
  if (remote->port == 0 || remote->host.empty() || remote->user.empty()) std::abort();
  const std::string url = to_url(*remote);
  if (url.size() > 1024) return 0;  // more than is taken: what was written as it is comes back encoded
  const auto again = parse_remote(url);
  if (!again || *again != *remote) std::abort();
  return 0;
}

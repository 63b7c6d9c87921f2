// A mailbox's path as text, and back: what encode_path wrote is what decode_path reads, for any text at all.
#include <cstdint>
#include <cstdlib>

#include "libsync/sync/path.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace libsync::sync;
  const Path path = decode_path({reinterpret_cast<const char*>(data), size});
  if (decode_path(encode_path(path)) != path) std::abort();
  return 0;
}

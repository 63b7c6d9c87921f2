// A whole message of any bytes.
#include <cstdint>

#include "tests/fuzz/message_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  libsync::fuzz::check_message({reinterpret_cast<const char*>(data), size});
  return 0;
}

// The inflater of COMPRESS: any bytes, in any pieces, into a small buffer. The first byte chooses the size
// of the pieces.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "libsync/net/deflate.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const size_t piece = data[0] + size_t{1};
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  libsync::net::Inflater inflater;
  std::vector<char> out(4096);
  while (!rest.empty()) {
    auto input = rest.substr(0, piece);
    rest.remove_prefix(input.size());
    for (;;) {
      const auto made = inflater.expand(input, out);
      if (!made || *made > out.size()) return 0;
      if (*made == 0 && input.empty()) break;
    }
  }
  return 0;
}

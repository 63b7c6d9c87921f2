#include <cstdint>
#include <cstdlib>

#include "libsync/base/text.h"
#include "libsync/store/search_query.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto query = libsync::store::parse_query({reinterpret_cast<const char*>(data), size}, 1'717'243'200);
  if (!query) return 0;
  for (const auto& term : query->terms) {
    if (!libsync::is_valid_utf8(term.text) || term.text.find('\0') != std::string::npos) std::abort();
  }
  return 0;
}

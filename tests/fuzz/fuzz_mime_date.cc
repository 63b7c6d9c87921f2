// Dates of header fields, several to an input, one a line: what was understood comes back from both forms that are
// written of it.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libsync/mime/date.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace libsync::mime;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (const auto date = parse_date(rest.substr(0, end))) {
      if (date->zone_minutes < -16 * 60 || date->zone_minutes > 16 * 60) std::abort();
      if (parse_date(format_date(*date)) != date) std::abort();
      const auto iso = parse_date(format_iso(*date));
      if (!iso || iso->unix_seconds != date->unix_seconds) std::abort();
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return 0;
}

#include "libsync/sync/replica.h"

#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/sync/print.h"

namespace libsync::sync {

void Flags::add_keyword(std::string_view keyword) {
  const std::string lower = to_lower(keyword);
  const auto at = std::ranges::lower_bound(keywords, lower, {}, [](const std::string& k) { return to_lower(k); });
  if (at == keywords.end() || !iequals(*at, keyword)) keywords.insert(at, std::string(keyword));
}

std::unique_ptr<ContentSource> Replica::prepare(std::string_view octets) {
  return std::make_unique<StringSource>(std::string(octets), print_of_message(octets));
}

bool Flags::operator==(const Flags& other) const {
  return system == other.system && std::ranges::equal(keywords, other.keywords, iequals);
}

}  // namespace libsync::sync

#include "libsync/imap/capability.h"

#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/imap/limits.h"

namespace libsync::imap {

void Capabilities::add(std::string_view name, Quirks& quirks) {
  if (names_.size() >= kMaxCapabilities) return;
  std::string upper = to_upper(name);
  if (std::ranges::find(names_, upper) != names_.end()) {
    quirks.note(Quirk::RepeatedCapability);
    return;
  }
  names_.push_back(std::move(upper));
}

bool Capabilities::has(std::string_view name) const {
  return std::ranges::any_of(names_, [&](const std::string& each) { return iequals(each, name); });
}

std::vector<std::string> Capabilities::auth() const {
  std::vector<std::string> mechanisms;
  for (const std::string& each : names_) {
    if (each.starts_with("AUTH=")) mechanisms.push_back(each.substr(5));
  }
  return mechanisms;
}

std::optional<uint64_t> Capabilities::append_limit() const {
  static constexpr std::string_view kName = "APPENDLIMIT=";
  for (const std::string& each : names_) {
    if (each.starts_with(kName)) return parse_u64(std::string_view(each).substr(kName.size()));
  }
  return std::nullopt;
}

bool parse_capability(Parser& in, Capabilities& out) {
  while (in.space()) {
    const std::string_view name = in.word();
    if (name.empty()) return in.at_end() || in.malformed("not a capability");
    out.add(name, in.quirks());
  }
  return in.at_end() || in.malformed("not a capability");
}

}  // namespace libsync::imap

#include "libsync/base/words.h"

namespace libsync {
namespace {
// Words are asked for everywhere, down to a parser's error: handing a catalogue through every call
// would put a parameter on half of libsync. It is written once, before threads start.
Catalogue& catalogue() {
  static Catalogue current;
  return current;
}
}  // namespace

void set_catalogue(Catalogue value) { catalogue() = std::move(value); }

std::string_view word(std::string_view english) {
  if (const auto& find = catalogue()) {
    if (const auto found = find(english); !found.empty()) return found;
  }
  return english;
}

}  // namespace libsync

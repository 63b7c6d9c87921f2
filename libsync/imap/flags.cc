#include "libsync/imap/flags.h"

#include "libsync/base/text.h"

namespace libsync::imap {

void FlagList::add(std::string_view flag) {
  if (flag.starts_with('\\')) {
    static constexpr std::pair<std::string_view, SystemFlag> kNames[] = {
        {"\\Seen", kSeen},   {"\\Answered", kAnswered}, {"\\Flagged", kFlagged}, {"\\Deleted", kDeleted},
        {"\\Draft", kDraft}, {"\\Recent", kRecent},     {"\\*", kAnyKeyword},
    };
    for (const auto& [name, bit] : kNames) {
      if (iequals(name, flag)) {
        system |= bit;
        return;
      }
    }
  }
  keywords.push_back(flag);
}

bool parse_flag_list(Parser& in, FlagList& out) {
  out.clear();
  return in.expect_list([&] {
    const size_t start = in.offset();
    const std::string_view flag = in.flag();
    if (!flag.empty() && in.at_value_end()) {
      out.add(flag);
      return true;
    }
    in.seek(start);
    in.note(Quirk::OddFlag);
    if (in.pass_over()) return true;
    return in.malformed("not a flag");
  });
}

}  // namespace libsync::imap

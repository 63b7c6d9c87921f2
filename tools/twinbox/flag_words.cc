#include "tools/twinbox/flag_words.h"

#include <algorithm>
#include <array>
#include <utility>

#include "libsync/base/nearest.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/imap/command.h"

namespace twinbox {

namespace sync = libsync::sync;
using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::printable;
using libsync::Result;
using libsync::say;
using libsync::Status;

namespace {

constexpr std::array<std::pair<std::string_view, uint32_t>, 5> kSystemFlags{{{"seen", sync::kSeen},
                                                                             {"answered", sync::kAnswered},
                                                                             {"flagged", sync::kFlagged},
                                                                             {"deleted", sync::kDeleted},
                                                                             {"draft", sync::kDraft}}};

}  // namespace

Status read_flag(std::string_view text, sync::Flags& into) {
  const std::string_view name = text.starts_with('\\') ? text.substr(1) : text;
  const auto found =
      std::ranges::find_if(kSystemFlags, [&](const auto& row) { return libsync::iequals(row.first, name); });
  if (found != kSystemFlags.end()) {
    into.system |= found->second;
    return {};
  }
  if (libsync::iequals(name, "recent")) return fail(Errc::Usage, say("\\Recent is the server's own, nobody sets it"));
  if (text.starts_with('\\')) {
    return fail(Error{.code = Errc::Usage,
                      .what = say("there is no flag \"{}\"", printable(text, 60)),
                      .hint = say("flags: seen, answered, flagged, deleted, draft; anything else is a keyword, without "
                                  "a backslash")});
  }
  if (text.size() > kMaxKeyword || !libsync::imap::is_atom(text)) {
    return fail(
        Error{.code = Errc::Usage,
              .what = say("\"{}\" can't be a keyword", printable(text, 60)),
              .hint = say("a keyword is ASCII without spaces and without ( ) {{ % * \" \\ ], at most {} characters",
                          kMaxKeyword)});
  }
  if (into.keywords.size() >= kMaxFlagsAtOnce)
    return fail(Errc::Usage, say("more than {} keywords at once", kMaxFlagsAtOnce));
  into.add_keyword(text);
  return {};
}

Result<sync::Flags> read_flag_list(std::string_view text) {
  sync::Flags flags;
  while (true) {
    const size_t comma = text.find(',');
    const std::string_view one = libsync::trim(text.substr(0, comma));
    TB_TRY(read_flag(one, flags));
    if (comma == text.npos) return flags;
    text.remove_prefix(comma + 1);
  }
}

std::string_view nearest_flag(std::string_view keyword) {
  std::array<std::string_view, kSystemFlags.size()> names;
  std::ranges::transform(kSystemFlags, names.begin(), [](const auto& row) { return row.first; });
  return libsync::nearest(libsync::to_lower(keyword), names);
}

}  // namespace twinbox

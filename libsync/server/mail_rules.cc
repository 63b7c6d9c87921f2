#include "libsync/server/mail_rules.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/path.h"

namespace libsync::server {

sync::Flags changed_flags(const sync::Flags& flags, FlagChange change, const sync::Flags& by) {
  const auto named = [](const sync::Flags& in, std::string_view keyword) {
    return std::ranges::any_of(in.keywords, [&](const std::string& each) { return iequals(each, keyword); });
  };
  if (change == FlagChange::Remove) {
    sync::Flags left{.system = flags.system & ~by.system};
    std::ranges::copy_if(flags.keywords, std::back_inserter(left.keywords),
                         [&](const std::string& keyword) { return !named(by, keyword); });
    return left;
  }
  sync::Flags out = flags;
  if (change == FlagChange::Replace) {
    out.system = 0;
    std::erase_if(out.keywords, [&](const std::string& keyword) { return !named(by, keyword); });
  }
  out.system |= by.system;
  for (const std::string& keyword : by.keywords) out.add_keyword(keyword);
  return out;
}

Status require_writable(Writable is, Writable needed) {
  if (is >= needed) return {};
  if (is == Writable::Flags) {
    return fail(Errc::Refused,
                say("this is a mirror: only flags can be changed, the rest on the server it comes from"));
  }
  return fail(Errc::Refused, say("this is a mirror: it is changed on the server that it comes from"));
}

std::unexpected<Error> no_such_folder() { return fail(Errc::NotFound, std::string(word("the folder is gone"))); }

std::unexpected<Error> folder_exists(const sync::Path& path) {
  return fail(Error{.code = Errc::Refused,
                    .what = say("folder {} exists already", printable(sync::encode_path(path))),
                    .hint = std::string(word("choose another name"))});
}

}  // namespace libsync::server

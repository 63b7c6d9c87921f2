// ID (RFC 2971): who it is, for logs and bug reports.
#include <string>

#include "libsync/imap/limits.h"
#include "libsync/server/imap_core.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

bool read_fields(imap::Parser& in) {
  if (in.nil()) return true;
  size_t count = 0;
  return in.expect_list([&] {
    std::string name;
    std::optional<std::string> value;
    if (++count > imap::kMaxIdFields) return in.malformed("too many fields");
    return in.expect_astring(name) && in.expect_space() && in.expect_nstring(value);
  });
}

void run_id(Imap& imap, imap::Parser& in, bool) {
  if (!in.space() || !read_fields(in)) return imap.bad("ID NIL, or ID (\"name\" \"value\" …)");
  if (!expect_end(imap, in)) return;
  // No version: it helps those most who look for old ones.
  imap.untagged("ID (\"name\" \"twinbox\")");
  imap.ok("done");
}

constexpr CommandRow kCommands[] = {{.name = "ID", .states = kAny, .run = run_id}};

}  // namespace

const Extension kId = {.id = Ext::Id, .name = "ID", .when = Extension::When::Always, .commands = kCommands};

}  // namespace libsync::server

// CREATE-SPECIAL-USE (RFC 6154, section 3): CREATE name (USE (\Drafts)).
#include "libsync/base/text.h"
#include "libsync/server/imap_core.h"
#include "libsync/server/imap_roles.h"

namespace libsync::server {

const Extension kCreateSpecialUse = {.id = Ext::CreateSpecialUse, .name = "CREATE-SPECIAL-USE"};

bool read_use(Imap& imap, imap::Parser& in, sync::Role& role) {
  if (!imap.has(Ext::CreateSpecialUse)) return in.malformed("more arguments than it takes");
  return in.expect_list([&] {
    if (!iequals(in.atom(), "USE") || !in.expect_space()) return in.malformed("USE (attribute)");
    return in.expect_list([&] {
      const auto named = role_of(in.flag());
      // A mailbox here is for one use.
      if (!named || role != sync::Role::None) return in.malformed("no such use");
      role = *named;
      return true;
    });
  });
}

}  // namespace libsync::server

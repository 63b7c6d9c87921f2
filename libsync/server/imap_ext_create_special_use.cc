// CREATE-SPECIAL-USE (RFC 6154, section 3): CREATE name (USE (\Drafts)).
#include "libsync/base/text.h"
#include "libsync/server/imap_core.h"
#include "libsync/server/imap_roles.h"

namespace libsync::server {

const Extension kCreateSpecialUse = {.id = Ext::CreateSpecialUse, .name = "CREATE-SPECIAL-USE"};

bool read_use(Imap& imap, imap::Parser& in, sync::Role& role, bool& can_be) {
  if (!imap.has(Ext::CreateSpecialUse)) return in.malformed("more arguments than it takes");
  return in.expect_list([&] {
    if (!iequals(in.atom(), "USE") || !in.expect_space()) return in.malformed("USE (attribute)");
    return in.expect_list([&] {
      const std::string_view attribute = in.flag();
      const auto named = role_of(attribute);
      // A mailbox here is for one use.
      can_be = can_be && named && role == sync::Role::None;
      role = named.value_or(role);
      return attribute.starts_with('\\') || in.malformed("USE (attribute)");
    });
  });
}

}  // namespace libsync::server

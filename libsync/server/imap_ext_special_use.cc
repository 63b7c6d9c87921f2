// SPECIAL-USE (RFC 6154; \Important: RFC 8457): which mailbox is for what, in every LIST.
#include <array>
#include <utility>

#include "libsync/base/text.h"
#include "libsync/server/imap_core.h"
#include "libsync/server/imap_roles.h"

namespace libsync::server {
namespace {

using sync::Role;
constexpr std::array<std::pair<Role, std::string_view>, 8> kUses{{{Role::All, "\\All"},
                                                                  {Role::Archive, "\\Archive"},
                                                                  {Role::Drafts, "\\Drafts"},
                                                                  {Role::Flagged, "\\Flagged"},
                                                                  {Role::Junk, "\\Junk"},
                                                                  {Role::Sent, "\\Sent"},
                                                                  {Role::Trash, "\\Trash"},
                                                                  {Role::Important, "\\Important"}}};

}  // namespace

const Extension kSpecialUse = {.id = Ext::SpecialUse, .name = "SPECIAL-USE"};

std::string_view use_attribute(Role role) {
  for (const auto& [each, name] : kUses) {
    if (each == role) return name;
  }
  return {};
}

std::optional<Role> role_of(std::string_view attribute) {
  for (const auto& [role, name] : kUses) {
    if (iequals(name, attribute)) return role;
  }
  return std::nullopt;
}

}  // namespace libsync::server

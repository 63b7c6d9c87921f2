// What a mailbox is for: RFC 6154's attributes, XLIST's, else its name. Internal to the IMAP replica.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/imap/list.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// From the attributes alone.
sync::Role role_by_attributes(const imap::ListData& data);
// Gives roles that no mailbox has by its attributes to mailboxes with well-known names, each once.
void add_roles_by_name(std::span<sync::Mailbox> mailboxes);

// RFC 6154's attribute of a role, RFC 8457's for Important; empty: it has none.
std::string_view attribute_of(sync::Role role);

}  // namespace libsync::replicas

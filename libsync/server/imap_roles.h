// Special uses of mailboxes (RFC 6154, RFC 8457). Inside server only.
#pragma once

#include <optional>
#include <string_view>

#include "libsync/imap/parser.h"
#include "libsync/sync/replica.h"

namespace libsync::server {

class Imap;

std::string_view use_attribute(sync::Role role);  // "\Sent"; "" for None and Inbox
std::optional<sync::Role> role_of(std::string_view attribute);
// "(USE (\Drafts))" of CREATE. `can_be` false: such a use, or both, a mailbox here can't have.
bool read_use(Imap& imap, imap::Parser& in, sync::Role& role, bool& can_be);

}  // namespace libsync::server

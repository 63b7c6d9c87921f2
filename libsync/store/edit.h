// Changes that are more than one write, alike for whoever makes them: mail programs through the server, people by the
// command line. The caller has begun the write, and commits it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "libsync/store/store.h"

namespace libsync::store {

// The first mailbox that is there for it.
std::optional<MailboxInfo> with_role(std::span<const MailboxInfo> boxes, sync::Role role);

// In Trash, or in a mailbox below it. False where the store has no Trash.
bool is_in_trash(std::span<const MailboxInfo> boxes, const sync::Path& path);

// A name that is there already among those that renaming `from` to `to` gives: mailboxes below come along, but for
// INBOX's.
std::optional<sync::Path> name_in_the_way(std::span<const MailboxInfo> boxes, const sync::Path& from,
                                          const sync::Path& to);

// All messages of the mailbox to the quarantine; how many.
Result<uint64_t> remove_all(Store& store, Write& write, MailboxId id);

}  // namespace libsync::store

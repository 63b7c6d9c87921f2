// apply() of an IMAP account that may be written to. Internal to the IMAP replica.
#pragma once

#include <span>
#include <stop_token>

#include "libsync/replicas/imap_conversation.h"
#include "libsync/replicas/imap_mailboxes.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// Consecutive actions that can share commands go together; each such run is over before the next one begins. The
// conversation's errors, the sink's, and those of a message's source; only after an error of the first two is the
// connection of no use, unless nothing was under way.
Status imap_apply(ImapConversation& conversation, ImapMailboxes& mailboxes, std::span<const sync::Action> actions,
                  sync::ActionSink& sink, std::stop_token stop);

}  // namespace libsync::replicas

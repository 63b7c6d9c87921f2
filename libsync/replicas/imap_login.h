// From the greeting to the login: where TLS is required, nothing said before it is believed and no credentials go
// out (RFC 9051, section 11.1). Internal to the IMAP replica.
#pragma once

#include <stop_token>

#include "libsync/replicas/imap_conversation.h"

namespace libsync::replicas {

// Afterwards ENABLE, ID and NAMESPACE are queued: they go with the first command.
Status log_in(ImapConversation& conversation, std::stop_token stop);

}  // namespace libsync::replicas

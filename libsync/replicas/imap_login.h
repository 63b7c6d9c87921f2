// From the greeting to the login: where TLS is required, nothing said before it is believed and no credentials go
// out (RFC 9051, section 11.1). Internal to the IMAP replica.
#pragma once

#include <functional>
#include <stop_token>

#include "libsync/replicas/imap_conversation.h"

namespace libsync::replicas {

// Sends what a session begins with, by what the server is believed to be able to do, and listens to the answers.
using SendAhead = std::function<Status(const imap::Capabilities& believed)>;

// Afterwards ENABLE, ID and NAMESPACE are queued: they go with the first command. Where the server takes commands
// behind the login's last line, and it is known what it could do in the last session, they and what `ahead` sends go
// out there.
Status log_in(ImapConversation& conversation, const SendAhead& ahead, std::stop_token stop);

}  // namespace libsync::replicas

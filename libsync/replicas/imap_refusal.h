// What a refused command means for the actions it stood for. Internal to the IMAP replica.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "libsync/replicas/imap_conversation.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// By the response code (RFC 5530 and those of the extensions), else Did::Refused; the server's words with it.
sync::Outcome refusal(const ImapAnswer& answer);

// It is about all that the command was for, and none of it would be taken alone either: the mailbox, the account, the
// server's state.
bool concerns_all(const ImapAnswer& answer);

// "Suggested Backoff Time: 5000 milliseconds", which Exchange Online puts anywhere into the text of a refusal; an hour
// at most.
std::optional<std::chrono::milliseconds> suggested_backoff(std::string_view text);

}  // namespace libsync::replicas

// Fetching messages over POP3. Internal to the POP3 replica.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>

#include "libsync/replicas/pop3_conversation.h"
#include "libsync/replicas/pop3_maildrop.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// What may be asked for ahead of its arrival, where the server allows PIPELINING: enough to fill a line
// of 100 Mbit/s and 300 ms; a stop then costs no more than that.
inline constexpr uint64_t kFetchWindowOctets = 4 << 20;
inline constexpr size_t kFetchWindowMessages = 64;

Status fetch_messages(Pop3Conversation& conversation, const Pop3Maildrop& drop, std::span<const sync::FetchItem> items,
                      sync::MessageSink& sink, std::stop_token stop);

}  // namespace libsync::replicas

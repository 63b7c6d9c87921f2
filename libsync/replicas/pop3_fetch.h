// Fetching messages over POP3. Internal to the POP3 replica.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>

#include "libsync/replicas/pop3_conversation.h"
#include "libsync/replicas/pop3_maildrop.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// What may be asked for ahead of its arrival, where the server allows PIPELINING; asked for again when half of it
// has come, and that half fills a line of 1 Gbit/s and 60 ms, of messages of 4 kB one of 100 Mbit/s and 300 ms. A stop
// costs no more than the whole.
inline constexpr uint64_t kFetchWindowOctets = 16 << 20;
inline constexpr size_t kFetchWindowMessages = 2048;
// Behind so much the server is told to forget that it was read, in the same flight: a session that is cut leaves no
// more of it \Seen.
inline constexpr uint64_t kForgetOctets = 4 << 20;
inline constexpr size_t kForgetMessages = 64;

Status fetch_messages(Pop3Conversation& conversation, const Pop3Maildrop& drop, std::span<const sync::FetchItem> items,
                      sync::MessageSink& sink, std::stop_token stop);

}  // namespace libsync::replicas

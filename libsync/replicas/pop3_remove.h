// Removing messages over POP3: marked now, gone when QUIT is acknowledged (RFC 1939, section 6).
// Internal to the POP3 replica.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "libsync/replicas/pop3_conversation.h"
#include "libsync/replicas/pop3_maildrop.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// DELEs sent ahead of their answers, where the server allows PIPELINING: 10 kB there, 40 kB back.
inline constexpr size_t kRemoveWindow = 1024;

class Pop3Removals {
 public:
  // One done() for each action, in order: Marked, Gone, Refused, Retry, or ReadOnly for other operations.
  Status apply(Pop3Conversation& conversation, const Pop3Maildrop& drop, std::span<const sync::Action> actions,
               sync::ActionSink& sink, std::stop_token stop);

  // QUIT; reports what was marked: Ok and then durable() if it was acknowledged, else Unknown. Where
  // nothing is marked, a RSET goes before it: Dovecot, as it comes, sets \Seen at QUIT on every message
  // that was read, unless RSET took that back; a mirror changes nothing. Where no DELE was sent, nothing depends on
  // QUIT's answer, and it is not waited for.
  Status finish(Pop3Conversation& conversation, sync::ActionSink& sink, std::stop_token stop);

 private:
  Status report(sync::ActionSink& sink, sync::Did did, const std::string& words);

  std::vector<uint64_t> marked_;       // tokens, in order
  std::set<uint64_t> marked_numbers_;  // messages a second DELE would be refused for
};

}  // namespace libsync::replicas

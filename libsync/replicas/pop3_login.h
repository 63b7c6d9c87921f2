// From the greeting to the open maildrop. Internal to the POP3 replica.
#pragma once

#include <stop_token>

#include "libsync/replicas/pop3.h"
#include "libsync/replicas/pop3_conversation.h"

namespace libsync::replicas {

// Greeting, CAPA, STLS, CAPA, login, CAPA. Nothing that was learnt before TLS is used behind it
// (RFC 2595, section 4).
Status log_in(Pop3Conversation& conversation, const Pop3Options& options, std::stop_token stop);

}  // namespace libsync::replicas

// From the greeting to the open maildrop. Internal to the POP3 replica.
#pragma once

#include <stop_token>

#include "libsync/replicas/pop3.h"
#include "libsync/replicas/pop3_conversation.h"

namespace libsync::replicas {

// Greeting, CAPA, STLS, CAPA, login, and without PIPELINING CAPA. Nothing that was learnt before TLS is used behind it
// (RFC 2595, section 4).
Status log_in(Pop3Conversation& conversation, const Pop3Options& options, std::stop_token stop);

// Tells options.on_login_delay what CAPA says of it; once behind each CAPA of the session.
void tell_login_delay(const pop3::Session& session, const Pop3Options& options);

}  // namespace libsync::replicas

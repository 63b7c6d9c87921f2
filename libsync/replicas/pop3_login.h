// From the greeting to the open maildrop. Internal to the POP3 replica.
#pragma once

#include <stop_token>

#include "libsync/replicas/pop3.h"
#include "libsync/replicas/pop3_conversation.h"
#include "libsync/replicas/pop3_maildrop.h"

namespace libsync::replicas {

// Greeting, CAPA, STLS, CAPA, login. Nothing that was learnt before TLS is used behind it (RFC 2595, section 4). Where
// the server can take it `drop` is asked for behind the last line of the login, without waiting for its answer. CAPA
// follows where there is no PIPELINING.
Status log_in(Pop3Conversation& conversation, const Pop3Options& options, Pop3Maildrop& drop, std::stop_token stop);

// Tells options.on_login_delay what CAPA says of it; once behind each CAPA of the session.
void tell_login_delay(const pop3::Session& session, const Pop3Options& options);

}  // namespace libsync::replicas

// Which servers take what comes behind the last line of a login before they have answered that. Internal to the IMAP
// and POP3 replicas.
#pragma once

#include <string_view>

namespace libsync::replicas {

// By the words of its greeting. The RFCs let a client go on (RFC 2449, section 6.6; RFC 9051, section 5.5), but there
// are servers that throw away what came with the login: Courier 5.0, Cyrus 3.6 where it was AUTH, and nginx's mail
// proxy before 1.21; the first two announce PIPELINING, and the session would wait for ever. So only the one that was
// seen to do it right, Dovecot (docs/decisions/0009-behind-a-login.md).
inline bool reads_on_behind_a_login(std::string_view greeting) { return greeting.contains("Dovecot"); }

}  // namespace libsync::replicas

// AUTHENTICATE with SASL-IR (RFC 9051, section 6.2.2; RFC 4959). Challenges come as
// Handler::on_challenge and are answered by Session::respond.
#pragma once

#include <optional>

#include "libsync/imap/command.h"

namespace libsync::imap {

// `initial` goes with the command when given (the server must offer SASL-IR); it is raw, base64 is done
// here.
Result<Command> authenticate(std::string_view mechanism, const std::optional<Secret>& initial);

}  // namespace libsync::imap

#include "libsync/imap/authenticate.h"

#include "libsync/base/base64.h"

namespace libsync::imap {

Result<Command> authenticate(std::string_view mechanism, const std::optional<Secret>& initial) {
  CommandBuilder builder(CommandKind::Authenticate, "AUTHENTICATE");
  builder.atom(mechanism).exclusive();
  TB_ASSIGN(Command command, builder.build());
  if (!initial) return command;
  // An empty response is told from none by "=" (RFC 4959, section 3).
  const std::string text = initial->empty() ? "=" : base64_encode(initial->reveal());
  command.pieces.push_back({.text = " "});
  command.pieces.push_back({.text = text, .secret = true});
  return command;
}

}  // namespace libsync::imap

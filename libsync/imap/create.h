// CREATE (RFC 9051, section 6.3.4; RFC 6154, section 3: USE).
#pragma once

#include <string_view>

#include "libsync/imap/command.h"

namespace libsync::imap {

// `use` is a special-use attribute, our own words: "\Sent"; empty: none.
inline Result<Command> create(std::string_view wire_name, std::string_view use = {}) {
  CommandBuilder builder(CommandKind::Create, "CREATE");
  builder.astring(wire_name);
  if (!use.empty()) builder.raw(" (USE (").raw(use).raw("))");
  return builder.build();
}

}  // namespace libsync::imap

// ID (RFC 2971).
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "libsync/imap/command.h"
#include "libsync/imap/parser.h"

namespace libsync::imap {

using IdFields = std::vector<std::pair<std::string, std::optional<std::string>>>;

// An empty list is sent as a name alone, for some servers refuse () and others NIL (GMX, Exchange).
Result<Command> id(const IdFields& fields);
bool parse_id(Parser& in, IdFields& out);

}  // namespace libsync::imap

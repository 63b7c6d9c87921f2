// The parts of a message, as text, as JSON, and decoded: what `mime` and `show` share.
#pragma once

#include <string>
#include <string_view>

#include "libsync/mime/describe.h"

#include "tools/twinbox/context.h"

namespace twinbox {

// The part "1.2", transfer encoding decoded, on standard output; a message inside a message as it is. On a
// terminal control characters are replaced. Errc::NotFound names the parts there are.
libsync::Status print_part(Context& context, std::string_view octets, std::string_view number);

// Errc::Usage: a part's octets are no JSON.
std::unexpected<libsync::Error> part_is_no_json();

// The tree with types, sizes and names, one line a part.
void print_tree(Output& out, const libsync::mime::MessageDescription& message);

// "message_id", "headers", "parts", "defects": the keys of a message's JSON that come from its octets.
JsonObject describe_json(const libsync::mime::MessageDescription& message);

}  // namespace twinbox

// Untagged responses by name, one row each (RFC 9051, section 7; RFC 3501; extensions in their rows): where to
// add one. One thread; no errors: what can't be read goes to the handler as such.
#pragma once

#include "libsync/imap/framer.h"
#include "libsync/imap/handler.h"

namespace libsync::imap {

// Reused from response to response, so that a mailbox of a hundred thousand messages costs no
// allocations.
struct Scratch {
  FetchData fetch{};
};

// Reads one untagged response ("* " …) and calls the handler. `logged_in` false: only status and
// capabilities get through, the rest is dropped (nothing said before login reaches store or plan).
// CAPABILITY lines and codes replace `capabilities` first. Malformed and unknown ones go to their own calls.
void dispatch_untagged(const Frame& frame, bool logged_in, Capabilities& capabilities, Scratch& scratch, Quirks& quirks,
                       Handler& handler);

}  // namespace libsync::imap

// VANISHED (RFC 7162, section 3.2.10).
#pragma once

#include "libsync/imap/parser.h"
#include "libsync/imap/sequence_set.h"

namespace libsync::imap {

struct VanishedData {
  bool earlier = false;
  SequenceSet uids{};
};
bool parse_vanished(Parser& in, VanishedData& out);

}  // namespace libsync::imap

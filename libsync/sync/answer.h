// What waits in a link for a person, and what the person can answer. Functions of a row: the answer is written down
// with it, offline, and the next sync carries it out.
#pragma once

#include "libsync/base/result.h"
#include "libsync/sync/link.h"

namespace libsync::sync {

enum class Waiting : uint8_t {
  Nothing,
  Change,   // the next sync carries it out
  Removal,  // gone on one side, and the other's is to go: held where the fuse says so
  Suspect,  // put somewhere, or numbered anew, and not found
  Refused,  // by a side; not asked again until it changes
  Parted,   // by the answer Unlink
};

Waiting waiting(const Row& row);

// The side that refused it, or where it is missing or not found; of others A.
Side side_of(const Row& row);

// The answers. Errc::Refused, and the row as it was, where that is no answer to what waits.
//
// The other side is right: what is gone may go, what was refused is undone here.
Status accept(Row& row);
// Both sides are to have it: what is missing is brought back, what was refused is asked again, what was unlinked is
// compared again.
Status restore(Row& row);
// Both sides stay as they are, whatever becomes of the other.
Status unlink(Row& row);

}  // namespace libsync::sync

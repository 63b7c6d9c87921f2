// Resolve: which message that seems new is one that lost its place. The one mechanism for moves seen
// in two halves, a changed UIDVALIDITY, renamed UIDLs, restored servers and interrupted actions. Pure.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "libsync/sync/link.h"

namespace libsync::sync {

// A row that is new on a side and the row it turned out to be.
struct Binding {
  RowId fresh = 0;
  RowId known = 0;
  bool by_print = false;  // the weakest match: the content counts as inferred
};

// Matches rows that are fresh on `side` with rows that lost their place there: by key, by instance, then by
// object (same octets), then by print and date. Where there is no date, a print must be as frequent on either side:
// messages with the same header and size are told apart by nothing, and are paired in order. What was asked of the side
// (Half::asked) is looked for in the mailbox that it was to come into first, and is nothing that showed before.
std::vector<Binding> resolve(Side side, std::span<const Row> fresh, std::span<const Row> lost);

// Whether the mailbox behind `fresh` (rows new on `side`) is the one that the rows `lost` were in,
// under another name: same epoch (the caller's check), every common key has the same size, date and whatever else both
// are known by, and at least half of the lost are there. Servers may give one UIDVALIDITY to all mailboxes made within
// a second.
bool is_renamed(Side side, std::span<const Row> fresh, std::span<const Row> lost);

}  // namespace libsync::sync

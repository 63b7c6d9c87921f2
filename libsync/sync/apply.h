// Planned actions on single messages carried out on one side: intents before, what came of it behind. Internal to
// sync/.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "libsync/sync/run.h"

namespace libsync::sync {

// One thing to do, and the row that it is about, which lives as long. Rows of one list may be the same.
struct Todo {
  Row* row = nullptr;
  Planned planned{};
  // Add: where on that side the same octets are, to be copied instead of brought.
  std::optional<Half> from{};
};

// Flags, copies, moves and removals, all on `side`: what can't be asked twice is written down before it is asked. Rows
// are written with their outcomes. What may pass is tried again a few times (SyncOptions::pause).
Status apply_todo(Run& run, Side side, std::vector<Todo> todo);

// Adds, all on `side`, from the other: octets are read from there and given to this one in batches. For a side that
// has no transaction with the link (Capabilities::own_transaction); transfer() is for the others.
Status upload(Run& run, Side side, std::span<const Todo> todo);

// A message is where it was asked to be; where it was copied from, on its way, is a row to be removed (Row::leftover).
// Both are written. Inside a batch of the caller's.
Status arrived(Run& run, Side side, Row& row, const Half& there);

// Whether the side says of a message that it is where another one is: the other's place is not taken from it.
Result<bool> is_taken(Run& run, Side side, PairId pair, const Outcome& outcome, RowId row);

// What a mailbox that was just made has for an epoch shows with the first message that is put into it.
Status note_epoch(Run& run, Side side, PairId pair, const MsgRef& ref);

// Brings up to date what follows from the halves, and writes the row, or erases it if it is gone on both sides.
Status save(Run& run, Row& row);

// The side refused this: it is not asked again until the row changes, or unless it said never, a day later. Told in the
// report. save() comes behind it.
void block(Run& run, Row& row, const Planned& refused, const Outcome& outcome);

// Where something was put, by the side's own word: Bound where it says, else Unbound.
Half placed(PairId pair, const Outcome& outcome, const Flags& flags);

// "Sent" to `to`, with these flags: before a message is added or copied there.
Half adding(const Run& run, PairId to, const Flags& flags);

}  // namespace libsync::sync

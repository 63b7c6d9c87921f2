// The plan: what to do about a message whose three trees differ. Pure functions of values; every
// action carries its reason and can be printed.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/sync/link.h"
#include "libsync/sync/policy.h"

namespace libsync::sync {

// What plan_row() must know of mailboxes. The functions must answer for every pair of the link, and for ids of none.
struct PlanContext {
  const Policy& policy;
  std::function<bool(PairId)> is_trash;
  // Which flags take part in a mailbox: those that every side the sync may write to can store.
  std::function<FlagMask(PairId)> mask;
  // What may be done to a mailbox, where that is not as `policy` says. May be empty.
  std::function<Can(Side, PairId)> can_in{};
  int64_t now = 0;  // unix seconds: what was refused before may be asked again

  Can can(Side side, PairId pair) const { return can_in ? can_in(side, pair) : policy.on(side); }
};

enum class Reason : uint8_t {
  New,  // is on the other side only
  FlagsChanged,
  Moved,
  Removed,       // is gone on the other side
  ChangedAgain,  // was removed on one side and marked as wanted, or moved, on the other: it stays
  LeaveNever,    // POP3: downloaded and durable, the account says not to leave it
  Leftover,      // copied on its way to another mailbox, by a side that can't move
  Restored,      // a person wants it back
};

// One thing to do about one message.
struct Planned {
  RowId row = 0;
  Side on = Side::B;  // the side it is done to
  Op op = Op::Add;    // Add, Move, Flags or Remove
  PairId pair = 0;    // Add, Move: where to; Flags, Remove: where it is
  Flags add{}, del{};
  Reason reason = Reason::New;
};

enum class Standing : uint8_t {
  Agreed,     // nothing to do: both sides are as they should be
  Wants,      // `actions` are to be done
  Forbidden,  // the sides differ and the policy lets neither be changed: stays as it is
  Held,       // suspect, or refused by a side: waits for the user, for a change, or for another day
  Forget,     // gone on both sides
};

struct Decision {
  Standing standing = Standing::Agreed;
  std::vector<Planned> actions{};
};

Decision plan_row(const Row& row, const PlanContext& context);

// Brings the base up to what both halves now show, where they agree; clears `dirty` unless the row
// still waits for something. Called after an observation or an action changed a half.
void settle(Row& row, const PlanContext& context);

// A half of which Asked::Flags was asked shows what it has now. Of the flags that were sent, those that it has are what
// both agreed on when they were sent: what the other side changed since is a change of its own.
void note_taken(Row& row, Side side, const Flags& now);

std::string_view reason_text(Reason reason);
// "+seen -later", as the command `flag` takes it.
std::string changes_text(const Flags& add, const Flags& del);

// The flags of `mask` only.
Flags masked(const Flags& flags, const FlagMask& mask);
// Flag by flag: the side that differs from the base wins; a flag has two values, so both sides can
// only have changed it to the same one.
Flags merge(const Flags& base, const Flags& a, const Flags& b);
// `flags` with `add` and without `del`.
Flags with_changes(const Flags& flags, const Flags& add, const Flags& del);
// What is in `left` and not in `right`.
Flags minus(const Flags& left, const Flags& right);

}  // namespace libsync::sync

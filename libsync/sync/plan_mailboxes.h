// The plan for mailboxes: which are to be made, renamed, subscribed or deleted, and where. Pure.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "libsync/sync/plan.h"

namespace libsync::sync {

// What a mailbox of side `from` is called on the other side. Must be the same each time, and give the name back when
// asked the other way round.
using Translate = std::function<Path(Side from, const Path&)>;

// One thing to do about one mailbox.
struct PlannedBox {
  PairId pair = 0;
  Side on = Side::B;
  Op op = Op::CreateBox;  // CreateBox, RenameBox, Subscribe or DeleteBox
  Path path{};            // CreateBox, RenameBox: its name then
  bool subscribed = true;
  bool operator==(const PlannedBox&) const = default;
};

// A mailbox that a message is to be put into, on that side.
using WantedBoxes = std::set<std::pair<PairId, Side>>;

// Renames, parents first, then what is to be made, then subscriptions. A name that changed on both sides is what the
// policy's `wins` says. A mailbox that is gone from one side is made again there if a message is wanted in it, or if
// the other side may not be changed. INBOX is never renamed (RFC 3501, section 6.3.5: that would empty it).
std::vector<PlannedBox> plan_mailboxes(const std::vector<Pair>& pairs, const PlanContext& context,
                                       const Translate& translate, const WantedBoxes& wanted);

// What can be deleted, children first: gone from one side, wanted by nobody. Whether it is empty is for the caller to
// see.
std::vector<PlannedBox> plan_deletions(const std::vector<Pair>& pairs, const PlanContext& context);

// The name under which a mailbox waits for its own while another has that: one that nobody has, at the top so that it
// is below nothing that moves. Nobody gave it that name, should it be found with it.
Path aside_of(const Pair& pair, Side side);
bool is_aside(const Pair& pair, Side side);

}  // namespace libsync::sync

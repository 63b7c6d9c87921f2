// The deletion fuse: holds back removals that were inferred from absence when there are too many of
// them to be believed (docs/architecture.md, "What happens in a sync").
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "libsync/sync/link.h"
#include "libsync/sync/policy.h"

namespace libsync::sync {

// What the fuse weighs, per mailbox.
struct FuseCount {
  uint64_t removals = 0;  // wanted in this run
  uint64_t recent = 0;    // carried out in the last FusePolicy::days
  uint64_t messages = 0;  // agreed on before this run
  bool exempt = false;    // Trash and Junk
};

// Fills in what is not `removals`, for every pair; the key 0 has what went with mailboxes that are gone themselves.
// `now`: seconds since 1970.
Status weigh(Link& link, const std::vector<Pair>& pairs, const FusePolicy& policy, int64_t now,
             std::map<PairId, FuseCount>& counts);

// Pure, no errors, any thread. The mailboxes whose removals are held; all that have any when the account as a whole
// trips it. Removals up to `policy.allow` in total are let through on the user's word.
std::set<PairId> held_by_fuse(const std::map<PairId, FuseCount>& counts, const FusePolicy& policy);

}  // namespace libsync::sync

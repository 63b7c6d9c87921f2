#include "libsync/sync/fuse.h"

namespace libsync::sync {
namespace {

bool too_many(uint64_t removals, uint64_t recent, uint64_t messages, const FusePolicy& policy) {
  if (removals == 0) return false;
  const uint64_t gone = removals + recent;
  // What was removed lately was there before: a folder emptied a little every night is emptied too.
  const uint64_t were = messages + recent;
  return gone > policy.count && gone * 100 > were * policy.percent;
}

}  // namespace

std::set<PairId> held_by_fuse(const std::map<PairId, FuseCount>& counts, const FusePolicy& policy) {
  FuseCount account;
  std::set<PairId> all;
  std::set<PairId> held;
  for (const auto& [pair, count] : counts) {
    account.messages += count.messages;
    if (count.exempt) continue;
    account.removals += count.removals;
    account.recent += count.recent;
    if (count.removals > 0) all.insert(pair);
    if (too_many(count.removals, count.recent, count.messages, policy)) held.insert(pair);
  }
  if (account.removals <= policy.allow) return {};
  if (too_many(account.removals, account.recent, account.messages, policy)) return all;
  return held;
}

}  // namespace libsync::sync

#include "libsync/sync/fuse.h"

#include <algorithm>

namespace libsync::sync {
namespace {

constexpr int64_t kSecondsPerDay = 86400;

bool too_many(uint64_t removals, uint64_t recent, uint64_t messages, const FusePolicy& policy) {
  if (removals == 0) return false;
  const uint64_t gone = removals + recent;
  // What was removed lately was there before: a folder emptied a little every night is emptied too.
  const uint64_t were = messages + recent;
  return gone > policy.count && gone * 100 > were * policy.percent;
}

}  // namespace

Status weigh(Link& link, const std::vector<Pair>& pairs, const FusePolicy& policy, int64_t now,
             std::map<PairId, FuseCount>& counts) {
  const int64_t since = now - policy.days * kSecondsPerDay;
  TB_ASSIGN(uint64_t elsewhere, link.removals_since(std::nullopt, since));
  std::set<Role> exempt;  // one mailbox a role: a server must not name all of them Trash
  for (const Pair& pair : pairs) {
    FuseCount& count = counts[pair.id];
    count.exempt = (pair.role == Role::Trash || pair.role == Role::Junk) && exempt.insert(pair.role).second;
    TB_ASSIGN(count.messages, link.count_agreed(pair.id));
    TB_ASSIGN(count.recent, link.removals_since(pair.id, since));
    elsewhere -= std::min(elsewhere, count.recent);
  }
  counts[0].recent = elsewhere;
  return {};
}

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

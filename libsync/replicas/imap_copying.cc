#include "libsync/replicas/imap_copying.h"

#include <algorithm>
#include <set>
#include <utility>

#include "libsync/base/words.h"
#include "libsync/imap/copy.h"
#include "libsync/imap/move.h"
#include "libsync/replicas/imap_refusal.h"

namespace libsync::replicas {

using sync::Action;
using sync::Did;
using sync::Outcome;

void ImapCopying::run(std::span<const Action> actions) {
  moves_ = actions.front().op == sync::Op::Move;
  std::vector<const Action*> able;
  for (const Action& action : actions) {
    if (!uid_of(action.ref)) {
      w_.tell(action, {.did = Did::Gone});
    } else if (moves_ && !w_.can().move()) {
      w_.tell(action, {.did = Did::Refused, .words = say("the server has no MOVE")});
    } else if (!w_.mailboxes().wire_of(action.box)) {
      w_.tell(action, {.did = Did::NoBox, .words = std::string(word("the server does not list it"))});
    } else {
      able.push_back(&action);
    }
  }
  for (const Action* action : w_.open_for(std::move(able))) {
    if (waiting_.contains(*uid_of(action->ref))) transfer();
    waiting_[*uid_of(action->ref)] = action;
  }
  transfer();
}

void ImapCopying::transfer() {
  std::map<std::string, Uids> groups;
  for (const auto& [uid, action] : waiting_) {
    const std::string target = *w_.mailboxes().wire_of(action->box);
    w_.adds_to(action->box, target);
    groups[target].push_back(uid);
  }
  w_.clear_found();
  w_.copied.clear();
  for (const auto& [target, all] : groups) {
    for (const Uids& uids : in_sets(all)) {
      if (!w_.can().uidplus()) w_.search(uids);
      send(uids, target);
    }
  }
  w_.wait();
  if (w_.going()) settle_untold();
  if (w_.going()) settle_unnamed();
  waiting_.clear();
}

void ImapCopying::send(const Uids& uids, const std::string& target) {
  const std::string set = set_of(uids).text();
  auto command = moves_ ? imap::uid_move(set, target) : imap::uid_copy(set, target);
  w_.ask(std::move(command), [=, this](const ImapReply& reply) { answered(uids, target, reply); });
}

void ImapCopying::tell(uint32_t uid, const Outcome& outcome) {
  const auto found = waiting_.find(uid);
  if (found == waiting_.end()) return;
  const Action* action = found->second;
  waiting_.erase(found);
  w_.tell(*action, outcome);
}

void ImapCopying::answered(const Uids& uids, const std::string& target, const ImapReply& reply) {
  // A move that is refused may have been done in part: COPYUID came of that (RFC 6851, section 3.3). A copy is done
  // wholly or not at all (RFC 9051, section 6.4.7).
  const Uids left = reply.ok() || moves_ ? named(uids, reply) : uids;
  if (left.empty()) return;
  if (reply.ok()) {
    for (const uint32_t uid : left) {
      if (w_.can().uidplus()) {
        unnamed_[uid] = left.size() < uids.size();
      } else {
        untold_.push_back(uid);
      }
    }
    return;
  }
  if (left.size() == 1 || concerns_all(reply.answer)) {
    for (const uint32_t uid : left) tell(uid, refusal(reply.answer));
    return;
  }
  const auto [first, second] = halves(left);
  send(first, target);
  send(second, target);
}

// COPYUID of the answer, and those ahead of it that name any of these: servers with several commands under way need
// not answer in order.
std::vector<imap::CopiedUids> ImapCopying::copied_of(const Uids& uids, const ImapReply& reply) {
  std::vector<imap::CopiedUids> all;
  if (reply.copied) all.push_back(*reply.copied);
  std::erase_if(w_.copied, [&](const imap::CopiedUids& copied) {
    const bool ours = std::ranges::any_of(
        copied.uids, [&](const auto& pair) { return std::ranges::binary_search(uids, pair.first); });
    if (ours) all.push_back(copied);
    return ours;
  });
  return all;
}

// Tells of those that COPYUID names; the others. One that names what was never sent, or a message twice, is no word to
// rely on: then nothing is known of any of them.
ImapCopying::Uids ImapCopying::named(const Uids& uids, const ImapReply& reply) {
  std::map<uint32_t, std::pair<uint32_t, uint32_t>> to;  // UIDVALIDITY and UID
  std::set<std::pair<uint32_t, uint32_t>> taken;
  bool believable = !reply.copied_badly;
  for (const imap::CopiedUids& copied : copied_of(uids, reply)) {
    for (const auto& [from, now] : copied.uids) {
      const auto [at, fresh] = to.try_emplace(from, copied.uid_validity, now);
      if (!fresh && at->second != std::pair(copied.uid_validity, now)) believable = false;
      if (fresh && !taken.emplace(copied.uid_validity, now).second) believable = false;
      if (!std::ranges::binary_search(uids, from)) believable = false;
    }
  }
  Uids left;
  for (const uint32_t uid : uids) {
    const auto found = to.find(uid);
    const auto waiting = waiting_.find(uid);
    if (!believable) {
      tell(uid, {.did = Did::Unknown, .words = say("the server's COPYUID can't be believed")});
    } else if (found == to.end()) {
      left.push_back(uid);
    } else if (waiting != waiting_.end()) {
      const auto [epoch, number] = found->second;
      tell(uid, {.ref = {.box = waiting->second->box, .epoch = epoch, .key = {.number = number}}});
    }
  }
  return left;
}

// A server that tells new UIDs said OK and did not tell these. Whether a move was done is not known; of a copy the
// message itself shows what it was.
void ImapCopying::settle_unnamed() {
  const auto unnamed = std::exchange(unnamed_, {});
  Uids uids;
  for (const auto& [uid, some] : unnamed) uids.push_back(uid);
  if (uids.empty()) return;
  const auto there = moves_ ? std::nullopt : w_.there(uids);
  for (const auto& [uid, some] : unnamed) {
    if (there && !there->contains(uid)) {
      tell(uid, {.did = Did::Gone});
    } else if (there && !some) {
      tell(uid, {.did = Did::OkNoRef});  // UIDs of the target do not last (RFC 4315, section 3: UIDNOTSTICKY)
    } else {
      tell(uid, {.did = Did::Unknown, .words = say("the server does not tell what became of it")});
    }
  }
}

// No UIDPLUS: OK may also stand for a message that was not there, or for a move that was not done.
void ImapCopying::settle_untold() {
  const Uids untold = std::exchange(untold_, {});
  if (untold.empty()) return;
  const auto before = w_.found();
  const auto behind = moves_ ? w_.there(untold) : std::nullopt;
  for (const uint32_t uid : untold) {
    if (!before || (moves_ && !behind)) {
      tell(uid, {.did = Did::Unknown, .words = say("the server does not tell what became of it")});
    } else if (!before->contains(uid)) {
      tell(uid, {.did = Did::Gone});
    } else if (moves_ && behind->contains(uid)) {
      tell(uid, {.did = Did::Refused, .words = say("the server says OK and moves nothing")});
    } else {
      tell(uid, {.did = Did::OkNoRef});
    }
  }
}

}  // namespace libsync::replicas

#include "libsync/replicas/imap_copying.h"

#include <algorithm>
#include <set>

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
      w_.tell(action, {.did = Did::Gone, .words = std::string(word("the server does not list it"))});
    } else {
      able.push_back(&action);
    }
  }
  if (able.empty() || !w_.going()) return;
  const auto closed = w_.open(able.front()->ref.box, able.front()->ref.epoch);
  for (const Action* action : able) {
    if (closed) {
      w_.tell(*action, *closed);
      continue;
    }
    if (waiting_.contains(*uid_of(action->ref))) transfer();
    waiting_[*uid_of(action->ref)] = action;
  }
  transfer();
}

void ImapCopying::transfer() {
  std::map<std::string, Uids> groups;
  for (const auto& [uid, action] : waiting_) {
    w_.mailboxes().touched(action->box);
    groups[*w_.mailboxes().wire_of(action->box)].push_back(uid);
  }
  for (const auto& [target, all] : groups) {
    for (const Uids& uids : in_sets(all)) {
      if (!w_.can().uidplus()) {
        search(uids, [this](const Found& found) {
          if (!found) return;
          for (const auto& range : found->ranges()) there_.add(range.first, range.last);
        });
      }
      send(uids, target);
    }
  }
  w_.wait();
  // What has no outcome now was never answered, or is the sink's refusal.
  waiting_.clear();
  there_.clear();
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
  if (reply.ok()) return w_.can().uidplus() ? unnamed(left, left.size() == uids.size()) : untold(left);
  if (left.size() == 1 || concerns_all(reply.answer)) {
    for (const uint32_t uid : left) tell(uid, refusal(reply.answer));
    return;
  }
  const auto [first, second] = halves(left);
  send(first, target);
  send(second, target);
}

// Tells of those that COPYUID names; the others. One that names what was never sent, or a message twice, is no word to
// rely on: then nothing is known of any of them.
ImapCopying::Uids ImapCopying::named(const Uids& uids, const ImapReply& reply) {
  std::map<uint32_t, std::pair<uint32_t, uint32_t>> to;  // UIDVALIDITY and UID
  std::set<std::pair<uint32_t, uint32_t>> taken;
  bool believable = !reply.copied_badly;
  for (const imap::CopiedUids& copied : reply.copied) {
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

// A server that tells new UIDs said OK and did not tell these. A move of what is not there any more is passed over as
// one that was not done; of a copy the message itself shows what it was.
void ImapCopying::unnamed(const Uids& uids, bool none_at_all) {
  if (moves_) {
    for (const uint32_t uid : uids) {
      tell(uid, {.did = Did::Unknown, .words = say("the server does not tell what it moved")});
    }
    return;
  }
  search(uids, [=, this](const Found& found) {
    for (const uint32_t uid : uids) {
      if (!found) {
        tell(uid, {.did = Did::Unknown, .words = say("the server does not tell what it copied")});
      } else if (!found->contains(uid)) {
        tell(uid, {.did = Did::Gone});
      } else if (none_at_all) {
        tell(uid, {.did = Did::OkNoRef});  // UIDs of the target do not last (RFC 4315, section 3: UIDNOTSTICKY)
      } else {
        tell(uid, {.did = Did::Unknown, .words = say("the server does not tell what it copied")});
      }
    }
  });
}

// No UIDPLUS: OK may also stand for a message that was not there.
void ImapCopying::untold(const Uids& uids) {
  Uids moved;
  for (const uint32_t uid : uids) {
    if (!there_.contains(uid)) {
      tell(uid, {.did = Did::Gone});
    } else if (moves_) {
      moved.push_back(uid);
    } else {
      tell(uid, {.did = Did::OkNoRef});
    }
  }
  if (moved.empty()) return;
  search(moved, [=, this](const Found& found) {
    for (const uint32_t uid : moved) {
      if (!found) {
        tell(uid, {.did = Did::Unknown});
      } else if (found->contains(uid)) {
        tell(uid, {.did = Did::Refused, .words = say("the server says OK and moves nothing")});
      } else {
        tell(uid, {.did = Did::OkNoRef});
      }
    }
  });
}

void ImapCopying::search(const Uids& uids, const std::function<void(const Found&)>& then) {
  w_.ask(imap::uid_search("UID " + set_of(uids).text(), w_.can().esearch()),
         [then](const ImapReply& reply) { then(reply.ok() ? reply.found : Found()); });
}

}  // namespace libsync::replicas

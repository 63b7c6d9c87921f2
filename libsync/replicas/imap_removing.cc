#include "libsync/replicas/imap_removing.h"

#include <utility>

#include "libsync/base/words.h"
#include "libsync/imap/expunge.h"
#include "libsync/imap/search.h"
#include "libsync/imap/store.h"
#include "libsync/replicas/imap_refusal.h"

namespace libsync::replicas {

using sync::Action;
using sync::Did;
using sync::Outcome;

void ImapRemoving::run(std::span<const Action> actions) {
  const auto closed = w_.open(actions.front().ref.box, actions.front().ref.epoch);
  Uids all;
  for (const Action& action : actions) {
    const auto uid = uid_of(action.ref);
    if (!uid || closed) {
      w_.tell(action, uid ? *closed : Outcome{.did = Did::Gone});
      continue;
    }
    if (!waiting_.contains(*uid)) all.push_back(*uid);
    waiting_.emplace(*uid, &action);
  }
  if (all.empty()) return;
  if (!w_.can().uidplus()) return expunge_all(all);
  for (const Uids& uids : in_sets(all)) expunge_these(uids);
  w_.wait();
}

void ImapRemoving::tell(uint32_t uid, const Outcome& outcome) {
  const auto [begin, end] = waiting_.equal_range(uid);
  const std::multimap<uint32_t, const Action*> told(begin, end);
  waiting_.erase(begin, end);
  Outcome next = outcome;
  for (const auto& [number, action] : told) {
    w_.tell(*action, next);
    if (next.did == Did::Ok) next.did = Did::Gone;  // the second one found nothing there
  }
}

// Which of them are there at all.
void ImapRemoving::find(const Uids& uids) {
  w_.ask(imap::uid_search("UID " + set_of(uids).text(), w_.can().esearch()), [=, this](const ImapReply& reply) {
    if (!reply.ok() || !reply.found) return;
    for (const uint32_t uid : uids) {
      if (!reply.found->contains(uid)) tell(uid, {.did = Did::Gone});
    }
  });
}

void ImapRemoving::mark(const Uids& uids) {
  w_.ask(imap::uid_store(set_of(uids).text(), imap::StoreHow::Add, "(\\Deleted)", true), [=, this](const ImapReply& r) {
    if (r.ok()) return;
    for (const uint32_t uid : uids) refused_[uid] = r.answer;
  });
}

// UIDPLUS: what others marked stays (RFC 4315, section 2.1). All in one flight: a refusal shows in what is left.
void ImapRemoving::expunge_these(const Uids& uids) {
  const std::string set = set_of(uids).text();
  for (const uint32_t uid : uids) refused_.erase(uid);
  find(uids);
  mark(uids);
  w_.ask(imap::uid_expunge(set), [=, this](const ImapReply& reply) {
    if (reply.ok()) return;
    for (const uint32_t uid : uids) refused_.try_emplace(uid, reply.answer);
  });
  look(uids);
}

void ImapRemoving::look(const Uids& uids) {
  w_.ask(imap::uid_search("UID " + set_of(uids).text(), w_.can().esearch()), [=, this](const ImapReply& reply) {
    Uids left;
    for (const uint32_t uid : uids) {
      if (!waiting_.contains(uid)) continue;
      if (!reply.ok() || !reply.found) {
        tell(uid, {.did = Did::Unknown, .words = reply.answer.text});
      } else if (reply.found->contains(uid)) {
        left.push_back(uid);
      } else {
        tell(uid, {.did = Did::Ok});
      }
    }
    if (!left.empty()) still_there(left);
  });
}

void ImapRemoving::still_there(const Uids& uids) {
  const auto said = refused_.find(uids.front());
  const bool again = said != refused_.end() && uids.size() > 1 && !concerns_all(said->second) && w_.can().uidplus();
  if (again) {
    const auto [first, second] = halves(uids);
    expunge_these(first);
    return expunge_these(second);
  }
  for (const uint32_t uid : uids) {
    const auto refused = refused_.find(uid);
    tell(uid, refused != refused_.end()
                  ? refusal(refused->second)
                  : Outcome{.did = Did::Refused, .words = say("the server says OK and does not remove the message")});
  }
}

// EXPUNGE removes all that is marked: only where nobody else marked anything. Somebody may do so between our look and
// the EXPUNGE; that moment is as short as it can be.
void ImapRemoving::expunge_all(const Uids& all) {
  std::optional<imap::SequenceSet> marked;
  std::string words;
  for (const Uids& uids : in_sets(all)) {
    find(uids);
    mark(uids);
  }
  w_.ask(imap::uid_search("DELETED", w_.can().esearch()), [&](const ImapReply& reply) {
    if (reply.ok()) marked = reply.found;
    words = reply.answer.text;
  });
  w_.wait();
  if (!w_.going()) return;
  const imap::SequenceSet ours = set_of(all);
  bool others = !marked;
  if (marked) {
    for (const auto& range : marked->ranges()) {
      for (uint64_t uid = range.first; uid <= range.last && !others; ++uid) {
        others = !ours.contains(static_cast<uint32_t>(uid));
      }
    }
  }
  if (others) {
    if (marked) words = say("other messages there are marked \\Deleted, and the server can't remove ours alone");
    for (const uint32_t uid : all) tell(uid, {.did = Did::Retry, .words = words});
    return;
  }
  w_.ask(imap::expunge(), [&](const ImapReply& reply) {
    if (reply.ok()) return;
    for (const uint32_t uid : all) refused_.try_emplace(uid, reply.answer);
  });
  for (const Uids& uids : in_sets(all)) look(uids);
  w_.wait();
}

}  // namespace libsync::replicas

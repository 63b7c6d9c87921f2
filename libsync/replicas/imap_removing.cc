#include "libsync/replicas/imap_removing.h"

#include <utility>

#include "libsync/base/words.h"
#include "libsync/imap/expunge.h"
#include "libsync/imap/store.h"
#include "libsync/replicas/imap_refusal.h"

namespace libsync::replicas {

using sync::Action;
using sync::Did;
using sync::Outcome;

void ImapRemoving::run(std::span<const Action> actions) {
  const auto closed = w_.open(actions.front().ref.box, actions.front().ref.epoch);
  for (const Action& action : actions) {
    const auto uid = uid_of(action.ref);
    if (uid && !closed) {
      waiting_.emplace(*uid, &action);
    } else {
      w_.tell(action, uid ? *closed : Outcome{.did = Did::Gone});
    }
  }
  if (waiting_.empty()) return;
  if (!w_.can().uidplus()) return expunge_all();
  // UIDPLUS: what others marked stays (RFC 4315, section 2.1). What is refused as a set is asked for in halves.
  for (std::vector<Uids> sets = in_sets(left()); !sets.empty() && w_.going(); sets = settle(sets)) {
    refused_.clear();
    w_.clear_found();
    for (const Uids& uids : sets) {
      w_.search(uids);
      mark(uids);
      expunge(uids);
    }
    w_.wait();
    tell_gone();
  }
}

ImapWriting::Uids ImapRemoving::left() const {
  Uids uids;
  for (const auto& [uid, action] : waiting_) {
    if (uids.empty() || uids.back() != uid) uids.push_back(uid);
  }
  return uids;
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

void ImapRemoving::mark(const Uids& uids) {
  w_.ask(imap::uid_store(set_of(uids).text(), imap::StoreHow::Add, "(\\Deleted)", true), [=, this](const ImapReply& r) {
    if (r.ok()) return;
    for (const uint32_t uid : uids) refused_[uid] = r.answer;
  });
}

void ImapRemoving::expunge(const Uids& uids) {
  w_.ask(imap::uid_expunge(set_of(uids).text()), [=, this](const ImapReply& reply) {
    if (reply.ok()) return;
    for (const uint32_t uid : uids) refused_.try_emplace(uid, reply.answer);
  });
}

// Those that a search ahead did not find.
void ImapRemoving::tell_gone() {
  const auto before = w_.found();
  if (!before) return;
  for (const uint32_t uid : left()) {
    if (!before->contains(uid)) tell(uid, {.did = Did::Gone});
  }
}

// Looks at what is there now. What is to be asked for again.
std::vector<ImapWriting::Uids> ImapRemoving::settle(const std::vector<Uids>& sets) {
  std::vector<Uids> again;
  if (!w_.going() || waiting_.empty()) return again;
  const auto there = w_.there(left());
  if (!w_.going()) return again;
  for (const Uids& set : sets) {
    Uids kept;
    for (const uint32_t uid : set) {
      if (!waiting_.contains(uid)) continue;
      if (!there) {
        tell(uid, {.did = Did::Unknown, .words = say("the server does not tell what is there")});
      } else if (there->contains(uid)) {
        kept.push_back(uid);
      } else {
        tell(uid, {.did = Did::Ok});
      }
    }
    const auto said = kept.empty() ? refused_.end() : refused_.find(kept.front());
    if (kept.size() > 1 && said != refused_.end() && w_.can().uidplus() && !concerns_all(said->second)) {
      auto [first, second] = halves(kept);
      again.push_back(std::move(first));
      again.push_back(std::move(second));
      continue;
    }
    for (const uint32_t uid : kept) {
      tell(uid, said != refused_.end()
                    ? refusal(said->second)
                    : Outcome{.did = Did::Refused, .words = say("the server says OK and does not remove the message")});
    }
  }
  return again;
}

// EXPUNGE removes all that is marked: only where nobody else marked anything. Somebody may do so between the look and
// the EXPUNGE; that moment is as short as it can be.
void ImapRemoving::expunge_all() {
  const std::vector<Uids> sets = in_sets(left());
  w_.clear_found();
  for (const Uids& uids : sets) {
    w_.search(uids);
    mark(uids);
  }
  w_.wait();
  tell_gone();
  if (!w_.going() || waiting_.empty()) return;
  const auto why_not = why_not_expunge_all(left());
  if (!w_.going()) return;
  if (why_not) {
    for (const uint32_t uid : left()) tell(uid, *why_not);
    return;
  }
  w_.ask(imap::expunge(), [this](const ImapReply& reply) {
    if (reply.ok()) return;
    for (const uint32_t uid : left()) refused_.try_emplace(uid, reply.answer);
  });
  w_.wait();
  settle(sets);
}

std::optional<Outcome> ImapRemoving::why_not_expunge_all(const Uids& all) {
  w_.clear_found();
  w_.search("DELETED");
  w_.wait();
  const auto marked = w_.found();
  if (!marked) return Outcome{.did = Did::Retry, .words = say("the server does not tell what is marked \\Deleted")};
  const imap::SequenceSet ours = set_of(all);
  for (const auto& range : marked->ranges()) {
    for (uint64_t uid = range.first; uid <= range.last; ++uid) {
      if (ours.contains(static_cast<uint32_t>(uid))) continue;
      return Outcome{
          .did = Did::Retry,
          .words = say("others' messages there are marked \\Deleted, and the server can't remove ours alone")};
    }
  }
  return std::nullopt;
}

}  // namespace libsync::replicas

#include "libsync/replicas/imap_flagging.h"

#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/imap/fetch.h"
#include "libsync/replicas/imap_facts.h"
#include "libsync/replicas/imap_refusal.h"

namespace libsync::replicas {

using sync::Action;
using sync::Did;
using sync::Outcome;

namespace {

constexpr std::string_view kNone = "()";

bool has(const sync::Flags& flags, const std::string& keyword) {
  return std::ranges::any_of(flags.keywords, [&](const std::string& each) { return iequals(each, keyword); });
}

}  // namespace

void ImapFlagging::run(std::span<const Action> actions) {
  std::vector<const Action*> able;
  for (const Action& action : actions) {
    if (!uid_of(action.ref)) {
      w_.tell(action, {.did = Did::Gone});
    } else if (!all_atoms(action.add) || !all_atoms(action.del)) {
      w_.tell(action, {.did = Did::Never, .words = say("IMAP can't have a keyword of that name")});
    } else {
      able.push_back(&action);
    }
  }
  for (const Action* action : w_.open_for(std::move(able))) {
    const uint32_t uid = *uid_of(action->ref);
    if (waiting_.contains(uid)) change();
    waiting_[uid] = {.action = action};
  }
  change();
}

void ImapFlagging::change() {
  std::map<Delta, Uids> groups;
  w_.heard.clear();
  for (const auto& [uid, each] : waiting_) {
    w_.heard[uid] = std::nullopt;
    groups[{.add = flag_list(each.action->add), .del = flag_list(each.action->del)}].push_back(uid);
  }
  for (const auto& [delta, all] : groups) {
    for (const Uids& uids : in_sets(all)) {
      if (delta.add != kNone) store(uids, imap::StoreHow::Add, delta.add, delta.del == kNone);
      if (delta.del != kNone) store(uids, imap::StoreHow::Remove, delta.del, true);
    }
  }
  w_.wait();
  ask_again();
  waiting_.clear();
}

// `last`: nothing more is to be changed of them.
void ImapFlagging::store(const Uids& uids, imap::StoreHow how, const std::string& flags, bool last) {
  w_.ask(imap::uid_store(set_of(uids).text(), how, flags), [=, this](const ImapReply& reply) {
    if (reply.ok()) {
      for (const uint32_t uid : uids) {
        if (last) tell_heard(uid);
      }
    } else if (uids.size() == 1 || concerns_all(reply.answer)) {
      for (const uint32_t uid : uids) {
        Waiting& each = waiting_.at(uid);
        if (!each.refused) each.refused = refusal(reply.answer);
      }
    } else {
      const auto [first, second] = halves(uids);
      store(first, how, flags, last);
      store(second, how, flags, last);
    }
  });
}

// What the server said of it last, if that is what was asked for.
void ImapFlagging::tell_heard(uint32_t uid) {
  Waiting& each = waiting_.at(uid);
  const auto& heard = w_.heard[uid];
  if (each.told || each.refused || !heard || !done_to(*heard, *each.action)) return;
  each.told = true;
  w_.tell(*each.action, {.flags = heard});
}

bool ImapFlagging::done_to(const sync::Flags& flags, const Action& action) {
  if ((action.add.system & ~flags.system) != 0 || (action.del.system & flags.system) != 0) return false;
  return std::ranges::all_of(action.add.keywords, [&](const auto& each) { return has(flags, each); }) &&
         std::ranges::none_of(action.del.keywords, [&](const auto& each) { return has(flags, each); });
}

// Nothing was said of it, or something else than was asked for: a server need not tell what did not change, and one
// that keeps no keywords says OK all the same. What it says now is how it is.
void ImapFlagging::ask_again() {
  Uids unheard;
  for (const auto& [uid, each] : waiting_) {
    if (each.told) continue;
    if (each.refused) {
      w_.tell(*each.action, *each.refused);
      continue;
    }
    w_.heard[uid] = std::nullopt;
    unheard.push_back(uid);
  }
  w_.malformed.clear();
  for (const Uids& uids : in_sets(unheard)) {
    w_.ask(imap::uid_fetch(set_of(uids).text(), "UID FLAGS"), [this, uids](const ImapReply& reply) {
      for (const uint32_t uid : uids) {
        if (const auto& heard = w_.heard[uid]) {
          w_.tell(*waiting_.at(uid).action, {.flags = heard});
        } else if (!reply.ok() || !w_.malformed.empty()) {
          const std::string& words = reply.ok() ? w_.malformed : reply.answer.text;
          w_.tell(*waiting_.at(uid).action, {.did = Did::Unknown, .words = words});
        } else {
          w_.tell(*waiting_.at(uid).action, {.did = Did::Gone});
        }
      }
    });
  }
  w_.wait();
}

}  // namespace libsync::replicas

#include "libsync/replicas/imap_boxes.h"

#include <algorithm>
#include <utility>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/imap/create.h"
#include "libsync/imap/delete_mailbox.h"
#include "libsync/imap/names.h"
#include "libsync/imap/rename.h"
#include "libsync/imap/subscribe.h"
#include "libsync/replicas/imap_refusal.h"
#include "libsync/replicas/imap_roles.h"

namespace libsync::replicas {

using sync::Action;
using sync::Did;
using sync::Outcome;

namespace {

bool is_inbox(std::string_view wire) { return iequals(wire, "INBOX"); }
std::string key_of(const std::string& wire) { return is_inbox(wire) ? "INBOX" : wire; }
void nothing(const ImapReply&) {}  // nothing follows from the answer

}  // namespace

// The wire name of a path, or why it can have none.
std::optional<Outcome> ImapBoxes::named(const sync::Path& path, std::string& wire) const {
  const auto joined = imap::join_name(path, w_.mailboxes().delimiter(), w_.conversation().session().utf8_names());
  if (!joined) return Outcome{.did = Did::Refused, .words = joined.error().what};
  wire = *joined;
  return std::nullopt;
}

bool ImapBoxes::lists(const std::string& wire) const {
  const auto row = w_.listed.find(key_of(wire));
  // The name of a place for others alone (RFC 5258, section 3).
  return row != w_.listed.end() && row->second && !row->second->has("\\NonExistent");
}

std::string ImapBoxes::mailbox_id_of(const std::string& wire) const {
  const auto told = w_.counted.find(key_of(wire));
  return told == w_.counted.end() ? std::string() : told->second.mailbox_id.value_or("");
}

// Its name was given to another one since it was listed (RFC 8474, section 4).
bool ImapBoxes::is_another(const sync::BoxId& id, const std::string& wire) const {
  const std::string now = mailbox_id_of(wire);
  return w_.can().has("OBJECTID") && !now.empty() && now != id;
}

// --- CREATE ---

void ImapBoxes::create(std::span<const Action> actions) {
  std::vector<Making> plain;
  const auto make = [&] {
    ask_to_create(plain);
    settle(plain);
    plain.clear();
  };
  for (const Action& action : actions) {
    Making making{.action = &action};
    if (const auto outcome = named(action.path, making.wire)) {
      w_.tell(action, *outcome);
      continue;
    }
    if (is_inbox(making.wire)) {
      const ImapBox* inbox = w_.mailboxes().find_wire("INBOX");
      w_.tell(action, {.did = Did::Exists, .box = inbox == nullptr ? sync::BoxId() : inbox->mailbox.id});
      continue;
    }
    if (w_.can().has("CREATE-SPECIAL-USE")) making.use = attribute_of(action.role);
    // One that may have to be asked for twice: those below it would make it meanwhile.
    const bool alone = !making.use.empty();
    if (alone) make();
    plain.push_back(std::move(making));
    if (alone) make();
  }
  make();
}

void ImapBoxes::ask_to_create(std::span<Making> making) {
  w_.listed.clear();
  for (Making& each : making) {
    w_.ask(imap::create(each.wire, each.use), [&each](const ImapReply& reply) { each.reply = reply; });
    // The words of a refusal differ; whether it is there does not.
    w_.ask_name(each.wire);
  }
  w_.wait();
  for (Making& each : making) {
    each.is_there = lists(each.wire);
    const bool exists = each.is_there || each.reply.answer.code == imap::Code::AlreadyExists;
    if (!w_.going() || each.reply.ok() || exists || std::exchange(each.use, {}).empty()) continue;
    ask_to_create(std::span(&each, 1));  // without USE: the mailbox counts for more than its role
  }
}

void ImapBoxes::settle(std::span<Making> making) {
  w_.counted.clear();
  for (const Making& each : making) {
    const bool made = each.reply.ok();
    if (made && each.action->subscribed) w_.ask(imap::subscribe(each.wire), nothing);
    const bool there = made || each.is_there || each.reply.answer.code == imap::Code::AlreadyExists;
    if (there && w_.can().has("OBJECTID") && each.reply.mailbox_id.empty()) {
      w_.ask(imap::status(each.wire, "MAILBOXID"), nothing);
    }
  }
  w_.wait();
  for (const Making& each : making) tell_made(each);
}

void ImapBoxes::tell_made(const Making& made) {
  const ImapAnswer& answer = made.reply.answer;
  const bool exists = !made.reply.ok() && (made.is_there || answer.code == imap::Code::AlreadyExists);
  if (!made.reply.ok() && !exists) return w_.tell(*made.action, refusal(answer));
  const sync::Mailbox mailbox{.id = {},
                              .path = made.action->path,
                              .role = made.use.empty() ? sync::Role::None : made.action->role,
                              .subscribed = made.reply.ok() && made.action->subscribed};
  const std::string& told = made.reply.mailbox_id;
  const sync::BoxId id = known_id(made.wire, mailbox, told.empty() ? mailbox_id_of(made.wire) : told);
  if (exists) return w_.tell(*made.action, {.did = Did::Exists, .box = id, .words = answer.text});
  if (id.empty()) {
    return w_.tell(*made.action, {.did = Did::Unknown, .words = say("the server does not tell its MAILBOXID")});
  }
  w_.tell(*made.action, {.box = id});
}

// Empty: the server has ids and does not tell this one.
sync::BoxId ImapBoxes::known_id(const std::string& wire, const sync::Mailbox& mailbox, const std::string& mailbox_id) {
  if (const ImapBox* known = w_.mailboxes().find_wire(wire)) return known->mailbox.id;
  if (w_.can().has("OBJECTID") && mailbox_id.empty()) return {};
  return w_.mailboxes().created(wire, mailbox, mailbox_id);
}

// --- SUBSCRIBE ---

void ImapBoxes::subscribe(std::span<const Action> actions) {
  for (const Action& action : actions) {
    const auto wire = w_.mailboxes().wire_of(action.box);
    if (!wire) {
      w_.tell(action, {.did = Did::NoBox, .words = std::string(word("the server does not list it"))});
      continue;
    }
    w_.ask(action.subscribed ? imap::subscribe(*wire) : imap::unsubscribe(*wire), [&](const ImapReply& reply) {
      if (!reply.ok()) return w_.tell(action, refusal(reply.answer));
      if (ImapBox* box = w_.mailboxes().find(action.box)) box->mailbox.subscribed = action.subscribed;
      w_.tell(action, {});
    });
  }
  w_.wait();
}

// --- RENAME ---

void ImapBoxes::rename(const Action& action) {
  const auto from = w_.mailboxes().wire_of(action.box);
  std::string to;
  if (!from) return w_.tell(action, {.did = Did::NoBox, .words = std::string(word("the server does not list it"))});
  if (const auto outcome = named(action.path, to)) return w_.tell(action, *outcome);
  // INBOX's messages would move, and INBOX stay (RFC 9051, section 6.3.6).
  if (is_inbox(*from) || is_inbox(to)) {
    return w_.tell(action, {.did = Did::Refused, .words = say("INBOX is not renamed")});
  }
  w_.listed.clear();
  w_.counted.clear();
  leave_and_ask_id(*from);
  if (!w_.going()) return;
  if (is_another(action.box, *from)) return w_.tell(action, {.did = Did::NoBox});
  ImapReply reply;
  w_.ask(imap::rename(*from, to), [&](const ImapReply& answer) { reply = answer; });
  w_.ask_name(*from);
  w_.ask_name(to);
  w_.wait();
  if (!w_.going()) return;
  if (reply.ok()) {
    const sync::BoxId id = w_.mailboxes().renamed(action.box, to, action.path);
    follow_subscription(*from, to);
    return w_.tell(action, {.box = id});
  }
  Outcome outcome = refusal(reply.answer);
  if (outcome.did != Did::Refused && outcome.did != Did::NoBox) return w_.tell(action, outcome);
  if (lists(to) || reply.answer.code == imap::Code::AlreadyExists) {
    const ImapBox* other = w_.mailboxes().find_wire(to);
    outcome = {.did = Did::Exists, .box = other == nullptr ? sync::BoxId() : other->mailbox.id, .words = outcome.words};
  } else if (!lists(*from)) {
    outcome.did = Did::NoBox;
  }
  w_.tell(action, outcome);
}

// It is not open while its name changes, and it is the one that is meant.
void ImapBoxes::leave_and_ask_id(const std::string& wire) {
  w_.leave();
  if (w_.can().has("OBJECTID")) w_.ask(imap::status(wire, "MAILBOXID"), nothing);
  w_.wait();
}

// Subscriptions are of names, and stay with them (RFC 9051, section 6.3.6): the user's go along.
void ImapBoxes::follow_subscription(const std::string& from, const std::string& to) {
  for (const auto& [was, now] : w_.mailboxes().subscribed_below(from, to)) {
    w_.ask(imap::subscribe(now), nothing);
    w_.ask(imap::unsubscribe(was), nothing);
  }
  w_.wait();
}

// --- DELETE ---

void ImapBoxes::remove(const Action& action) {
  const auto wire = w_.mailboxes().wire_of(action.box);
  if (!wire) return w_.tell(action, {.did = Did::NoBox, .words = std::string(word("the server does not list it"))});
  if (is_inbox(*wire)) return w_.tell(action, {.did = Did::Refused, .words = say("INBOX is not deleted")});
  w_.listed.clear();
  w_.counted.clear();
  w_.leave();
  const auto why_not = why_not_delete(action, *wire);
  if (!w_.going()) return;
  if (why_not) return w_.tell(action, *why_not);
  ImapReply reply;
  w_.ask(imap::delete_mailbox(*wire), [&](const ImapReply& answer) { reply = answer; });
  w_.ask_name(*wire);
  w_.wait();
  if (!w_.going()) return;
  if (!reply.ok()) {
    Outcome outcome = refusal(reply.answer);
    if (outcome.did == Did::Refused && !lists(*wire)) outcome.did = Did::NoBox;
    return w_.tell(action, outcome);
  }
  w_.mailboxes().deleted(action.box);
  w_.ask(imap::unsubscribe(*wire), nothing);
  w_.wait();
  w_.tell(action, {});
}

// DELETE removes the messages too: it is asked for them right before. Nothing: it can go.
std::optional<Outcome> ImapBoxes::why_not_delete(const Action& action, const std::string& wire) {
  const ImapBox* box = w_.mailboxes().find(action.box);
  if (box != nullptr && !box->mailbox.selectable) return std::nullopt;  // it can have none
  ImapReply reply;
  w_.ask(imap::status(wire, "MESSAGES"), [&](const ImapReply& answer) { reply = answer; });
  if (w_.can().has("OBJECTID")) w_.ask(imap::status(wire, "MAILBOXID"), nothing);
  w_.ask_name(wire);
  w_.wait();
  if (!reply.ok()) {
    Outcome outcome = refusal(reply.answer);
    if (outcome.did == Did::Refused && !lists(wire)) outcome.did = Did::NoBox;
    return outcome;
  }
  if (is_another(action.box, wire)) return Outcome{.did = Did::NoBox};
  const auto told = w_.counted.find(key_of(wire));
  if (told == w_.counted.end() || !told->second.messages) {
    return Outcome{.did = Did::Refused, .words = say("the server does not tell how many messages are in it")};
  }
  if (*told->second.messages > 0) return Outcome{.did = Did::NotEmpty, .words = say("the folder is not empty")};
  return std::nullopt;
}

}  // namespace libsync::replicas

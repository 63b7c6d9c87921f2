#include "libsync/replicas/imap_adding.h"

#include <algorithm>
#include <set>
#include <utility>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/imap/fetch.h"
#include "libsync/replicas/imap_content.h"
#include "libsync/replicas/imap_facts.h"
#include "libsync/replicas/imap_refusal.h"

namespace libsync::replicas {

using sync::Action;
using sync::Did;
using sync::Outcome;

void ImapAdding::run(std::span<const Action> actions) {
  learn_limits(actions);
  for (const Action& action : actions) {
    if (!w_.going() || unreadable_) break;
    add(action, false);
  }
  send();
  w_.wait();
  // What was refused together is read again, and sent in halves; one by one in the end.
  while (w_.going() && !again_.empty() && !unreadable_) {
    const auto refused = std::move(again_.front());
    again_.pop_front();
    for (size_t i = 0; i < refused.size(); ++i) {
      if (i == refused.size() / 2) send();
      add(*refused[i], true);
    }
    send();
    w_.wait();
  }
  // The others have their outcomes: only this one has none.
  if (unreadable_) w_.keep(fail(*unreadable_));
}

// "APPENDLIMIT" without a number: each mailbox has its own (RFC 7889, section 3).
void ImapAdding::learn_limits(std::span<const Action> actions) {
  if (!w_.can().has("APPENDLIMIT")) return;
  for (const Action& action : actions) {
    ImapBox* box = w_.mailboxes().find(action.box);
    if (box == nullptr || box->append_limit) continue;
    box->append_limit.emplace();
    w_.ask(imap::status(box->wire, "APPENDLIMIT"), [this, id = action.box](const ImapReply&) {
      ImapBox* asked = w_.mailboxes().find(id);
      if (asked == nullptr) return;
      const auto told = w_.counted.find(iequals(asked->wire, "INBOX") ? "INBOX" : asked->wire);
      if (told != w_.counted.end()) asked->append_limit = told->second.append_limit;
    });
  }
  w_.wait();
}

std::optional<uint64_t> ImapAdding::limit_of(const Action& action) const {
  if (const auto all = w_.can().append_limit()) return all;
  const ImapBox* box = w_.mailboxes().find(action.box);
  return box == nullptr ? std::nullopt : box->append_limit.value_or(std::nullopt);
}

void ImapAdding::add(const Action& action, bool again) {
  const auto wire = w_.mailboxes().wire_of(action.box);
  if (!wire) return w_.tell(action, {.did = Did::NoBox, .words = std::string(word("the server does not list it"))});
  if (action.content == nullptr) {
    return w_.tell(action, {.did = Did::Refused, .words = say("the message's text is not at hand")});
  }
  w_.adds_to(action.box, *wire);
  uint64_t octets = 0;
  auto message = prepare(action, octets, again);
  if (!message || !w_.going()) return;
  // Among others, an empty literal would call all of them off (RFC 3502, section 6.3.11).
  const bool alone = message->octets.source != nullptr || octets == 0;
  const bool full = batch_.actions.size() >= kAppendMessages || batch_.octets + octets > kAppendOctets;
  if (full || alone || batch_.wire != *wire || !w_.can().has("MULTIAPPEND")) send();
  batch_.wire = *wire;
  batch_.actions.push_back(&action);
  batch_.messages.push_back(*std::move(message));
  batch_.octets += octets;
  if (alone) send();
}

// Nothing: it has its outcome, or can't be read.
std::optional<imap::AppendMessage> ImapAdding::prepare(const Action& action, uint64_t& octets, bool again) {
  const auto refuse = [&](std::string words) {
    w_.tell(action, {.did = Did::Refused, .words = std::move(words)});
    return std::nullopt;
  };
  if (again) {
    if (const Status begun = action.content->rewind(); !begun) return refuse(begun.error().text());
  }
  auto content = read_content(*action.content, kMaxInMemory);
  if (!content) {
    unreadable_ = content.error();
    return std::nullopt;
  }
  octets = content->octets;
  if (const auto limit = limit_of(action); limit && octets > *limit) {
    return refuse(say("a message of {}: the server takes {}", human_size(octets), human_size(*limit)));
  }
  if (content->nul && !w_.can().literal8()) return refuse(say("the server can't take NUL octets"));
  const ImapBox* box = w_.mailboxes().find(action.box);
  imap::AppendMessage message;
  message.flags = flag_list(box != nullptr && box->storable ? masked(action.add, *box->storable) : action.add);
  if (message.flags == "()") message.flags.clear();
  if (action.date) message.date = imap::format_internal_date(*action.date).value_or("");
  // RFC 6855, section 4. IMAP4rev2 takes such headers as they are.
  const bool accepts = w_.can().has("UTF8=ACCEPT") || w_.can().has("UTF8=ONLY");
  message.utf8 = content->eight_bit_header && accepts && w_.conversation().session().utf8_names();
  message.octets.binary = content->nul;
  if (octets <= kMaxInMemory) {
    message.octets.text = std::move(content->text);
    return message;
  }
  auto source = stream_content(*action.content);
  if (!source) return refuse(source.error().text());
  message.octets.source = std::move(*source);
  message.octets.size = octets;
  return message;
}

void ImapAdding::send() {
  Batch batch = std::exchange(batch_, {});
  if (batch.actions.empty() || !w_.going()) return;
  const bool alone = batch.messages.front().octets.source != nullptr;
  in_flight_ += batch.octets;
  w_.ask(imap::append(batch.wire, batch.messages),
         [this, octets = batch.octets, actions = std::move(batch.actions)](const ImapReply& reply) {
           in_flight_ -= octets;
           answered(actions, reply);
         });
  if (alone) w_.wait();  // the next one's text is in memory again
  while (w_.going() && in_flight_ > kAppendOctetsInFlight) w_.wait_for_one();
}

void ImapAdding::answered(const std::vector<const Action*>& actions, const ImapReply& reply) {
  if (reply.ok()) {
    const bool told = reply.appended && reply.appended->uids.size() == actions.size();
    for (size_t i = 0; i < actions.size(); ++i) {
      Outcome outcome{.did = told ? Did::Ok : Did::OkNoRef};
      if (told) {
        outcome.ref = {
            .box = actions[i]->box, .epoch = reply.appended->uid_validity, .key = {.number = reply.appended->uids[i]}};
      }
      w_.tell(*actions[i], outcome);
    }
  } else if (actions.size() == 1 || (concerns_all(reply.answer) && reply.answer.code != imap::Code::Limit)) {
    for (const Action* action : actions) w_.tell(*action, refusal(reply.answer));
  } else {
    again_.push_back(actions);
  }
}

}  // namespace libsync::replicas

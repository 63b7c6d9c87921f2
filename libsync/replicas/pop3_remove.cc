#include "libsync/replicas/pop3_remove.h"

#include <deque>
#include <optional>
#include <utility>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::replicas {
namespace {

using pop3::Event;
using sync::Did;
using sync::Outcome;

// Reports the answers to DELEs in the order they were sent.
class Answers final : public pop3::Events {
 public:
  struct Sent {
    uint64_t token, number;
  };
  Answers(sync::ActionSink& sink, std::vector<uint64_t>& marked, std::set<uint64_t>& numbers)
      : sink_(sink), marked_(marked), numbers_(numbers) {}

  Status event(const Event& event) override {
    if (event.kind != Event::Kind::Reply) return {};
    const Sent first = sent.front();
    sent.pop_front();
    const pop3::StatusLine& status = *event.status;
    if (status.ok) {
      marked_.push_back(first.token);
      return sink_.done(first.token, {.did = Did::Marked});
    }
    numbers_.erase(first.number);
    Outcome outcome{.did = status.code == "SYS/TEMP" ? Did::Retry : Did::Refused};
    outcome.words = printable(status.text);
    return sink_.done(first.token, outcome);
  }

  std::deque<Sent> sent;

 private:
  sync::ActionSink& sink_;
  std::vector<uint64_t>& marked_;
  std::set<uint64_t>& numbers_;
};

// What can be said without asking the server; nothing for a DELE that has to be sent.
std::optional<Outcome> without_asking(const sync::Action& action, const Pop3Maildrop::Entry* entry) {
  if (action.op != sync::Op::Remove)
    return Outcome{.did = Did::ReadOnly, .words = say("POP3 can only fetch and remove")};
  if (entry == nullptr) return Outcome{.did = Did::Gone};
  if (action.size_expected == 0 || action.size_expected == entry->size) return std::nullopt;
  return Outcome{.did = Did::Refused,
                 .words = say("the message has {} octets now, not {}: it may be another one",
                              with_separators(entry->size), with_separators(action.size_expected))};
}

}  // namespace

Status Pop3Removals::apply(Pop3Conversation& conversation, const Pop3Maildrop& drop,
                           std::span<const sync::Action> actions, sync::ActionSink& sink, std::stop_token stop) {
  Answers answers(sink, marked_, marked_numbers_);
  pop3::Session& session = conversation.session();
  for (const sync::Action& action : actions) {
    const auto* entry = action.ref.key.number == 0 ? drop.find(action.ref.key.name) : nullptr;
    auto outcome = without_asking(action, entry);
    const bool again = !outcome && !marked_numbers_.insert(entry->number).second;
    if (outcome || again) {
      TB_TRY(conversation.drain(answers, stop));  // done() comes in the actions' order
      if (again && !marked_numbers_.contains(entry->number)) outcome = Outcome{.did = Did::Refused};
      if (!outcome) {
        marked_.push_back(action.token);
        outcome = Outcome{.did = Did::Marked};
      }
      TB_TRY(sink.done(action.token, *outcome));
      continue;
    }
    while (!session.idle() && (session.in_flight() >= kRemoveWindow || !session.can_send(pop3::Verb::Dele)))
      TB_TRY(conversation.pump(answers, stop));
    answers.sent.push_back({action.token, entry->number});
    TB_TRY(conversation.send(pop3::dele(entry->number)));
  }
  return conversation.drain(answers, stop);
}

Status Pop3Removals::report(sync::ActionSink& sink, Did did, const std::string& words) {
  for (const uint64_t token : std::exchange(marked_, {}))
    TB_TRY(sink.done(token, {.did = did, .ref = {}, .box = {}, .instance = {}, .content = {}, .words = words}));
  return {};
}

Status Pop3Removals::finish(Pop3Conversation& conversation, sync::ActionSink& sink, std::stop_token stop) {
  const bool any = !marked_.empty();
  if (!any && conversation.session().has_read() && conversation.session().can_send(pop3::Verb::Rset)) {
    TB_TRY(conversation.ask(pop3::rset(), stop));
  }
  if (!conversation.session().has_marked()) return conversation.part(pop3::quit(), std::move(stop));
  const auto status = conversation.ask(pop3::quit(), std::move(stop));
  if (!status) {
    TB_TRY(report(sink, Did::Unknown, status.error().text()));
    return fail(status.error());
  }
  // RFC 1939, section 6: -ERR to QUIT means that some of the messages may not be gone.
  TB_TRY(report(sink, status->ok ? Did::Ok : Did::Unknown, status->ok ? "" : printable(status->text)));
  return any && status->ok ? sink.durable() : Status();
}

}  // namespace libsync::replicas

#include "libsync/replicas/imap_writing.h"

#include <algorithm>
#include <utility>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/imap/unselect.h"
#include "libsync/replicas/imap_facts.h"
#include "libsync/replicas/imap_refusal.h"

namespace libsync::replicas {

using sync::Did;
using sync::Outcome;

namespace {

// More than a command is for can't be believed.
constexpr size_t kMostNamed = kSetMessages;
// COPYUIDs that are kept until their command is answered.
constexpr size_t kMostCopied = 10'000;
// Mailboxes whose STATUS is kept. One that is left out is taken for one whose STATUS did not come.
constexpr size_t kMostCounted = 10'000;

std::string name_of(std::string_view wire) { return iequals(wire, "INBOX") ? "INBOX" : std::string(wire); }

}  // namespace

void ImapWriting::keep(Status status) {
  if (status_ && !status) status_ = std::move(status);
}

void ImapWriting::ask(Result<imap::Command> command, Then then) {
  if (!status_) return;
  if (!command) {
    ImapReply reply;
    reply.answer = {.condition = imap::Condition::Bad, .text = command.error().text()};
    return then(reply);
  }
  const auto id = c_.send(std::move(command));
  if (!id) return keep(fail(id.error()));
  asked_[*id] = std::move(then);
}

void ImapWriting::ask_name(const std::string& wire) {
  listed[name_of(wire)] = std::nullopt;
  ask(imap::list_name(wire), [](const ImapReply&) {});
}

void ImapWriting::wait() {
  while (status_ && !asked_.empty()) keep(c_.step({}, stop_));
}

void ImapWriting::wait_for_one() {
  const size_t all = asked_.size();
  while (status_ && !asked_.empty() && asked_.size() >= all) keep(c_.step({}, stop_));
}

void ImapWriting::tell(const sync::Action& action, const Outcome& outcome) {
  if (!status_) return;
  keep(sink_.done(action.token, outcome));
  if (!status_ || ++told_ < kDurableEvery) return;
  told_ = 0;
  keep(sink_.durable());
}

void ImapWriting::clear_found() {
  found_.clear();
  searched_ = answered_ = 0;
}

void ImapWriting::search(std::string_view criteria) {
  ++searched_;
  ask(imap::uid_search(criteria, can().esearch()), [this](const ImapReply& reply) {
    if (!reply.ok()) answered_ = 0, searched_ = 1;
  });
}

void ImapWriting::search(const Uids& uids) {
  for (const Uids& set : in_sets(uids)) search("UID " + set_of(set).text());
}

std::optional<imap::SequenceSet> ImapWriting::found() const {
  if (!status_ || answered_ < searched_) return std::nullopt;
  return found_;
}

std::optional<imap::SequenceSet> ImapWriting::there(const Uids& uids) {
  clear_found();
  search(uids);
  wait();
  return found();
}

std::optional<Outcome> ImapWriting::open(const sync::BoxId& id, uint64_t epoch) {
  heard.clear();
  const auto wire = mailboxes_.wire_of(id);
  if (!wire) return Outcome{.did = Did::NoBox, .words = std::string(word("the server does not list it"))};
  mailboxes_.touched(id);
  ImapAnswer answer{.condition = imap::Condition::Ok};
  if (c_.selected != *wire || !c_.selected_writable) {
    opening_ = {};
    opening_.wire = *wire;
    keep(opening_.send(c_, {}));
    if (status_) asked_[opening_.examine] = [&](const ImapReply& reply) { answer = reply.answer; };
    wait();
  }
  if (!status_) return Outcome{.did = Did::Unknown};
  return judge(id, epoch, answer);
}

std::optional<Outcome> ImapWriting::judge(const sync::BoxId& id, uint64_t epoch, const ImapAnswer& answer) {
  if (!answer.ok()) {
    Outcome outcome = refusal(answer);
    const bool plain = answer.code == imap::Code::None || answer.code == imap::Code::Unknown;
    const bool says_no = answer.condition == imap::Condition::No && outcome.did == Did::Refused && plain;
    if (says_no && !mailboxes_.in_list(opening_.wire)) outcome.did = Did::NoBox;
    return outcome;
  }
  // Its name was given to another one (RFC 8474, section 4).
  const std::string& mailbox_id = opening_.state.mailbox_id;
  const bool other = can().has("OBJECTID") && c_.selected == opening_.wire && !mailbox_id.empty() && mailbox_id != id;
  if (c_.selected_epoch != epoch || other) {
    return Outcome{.did = Did::NoBox, .words = say("the folder was made anew (its UIDVALIDITY changed)")};
  }
  if (!c_.selected_writable) return Outcome{.did = Did::ReadOnly, .words = answer.text};
  return std::nullopt;
}

std::vector<const sync::Action*> ImapWriting::open_for(std::vector<const sync::Action*> actions) {
  if (actions.empty() || !going()) return {};
  const auto closed = open(actions.front()->ref.box, actions.front()->ref.epoch);
  if (!closed) return actions;
  for (const sync::Action* action : actions) tell(*action, *closed);
  return {};
}

void ImapWriting::adds_to(const sync::BoxId& id, std::string_view wire) {
  mailboxes_.touched(id);
  if (c_.selected == wire) c_.selected.clear();
}

// CLOSE would remove what is marked, whoever marked it. Opening a mailbox to read leaves the one before as it is
// (RFC 9051, section 6.3.2).
void ImapWriting::leave() {
  if (c_.session().state() != imap::State::Selected) return;
  c_.selected.clear();
  if (can().unselect()) return ask(imap::unselect(), [](const ImapReply&) {});
  ask(imap::select("INBOX", {}), [](const ImapReply&) {});
}

// What the server says

void ImapWriting::on_status(const imap::StatusLine& line) {
  ImapListener::on_status(line);
  if (opening_.examine != 0) {
    if (opening_.take(line)) heard.clear();
    return;
  }
  if (!iequals(line.code_name, "COPYUID")) return;
  auto told = imap::copied_uids(line, kMostNamed);
  if (!told) {
    next_.copied_badly = true;
  } else if (copied.size() < kMostCopied) {
    copied.push_back(*std::move(told));
  }
}

void ImapWriting::on_flags(const imap::FlagList& flags) {
  if (opening_.examine != 0) opening_.state.take(flags);
}

void ImapWriting::on_fetch(const imap::FetchData& data) {
  // Ahead of the answer to SELECT it is of the mailbox before.
  if (opening_.examine != 0 || !data.uid || !data.has_flags) return;
  if (const auto wanted = heard.find(*data.uid); wanted != heard.end()) wanted->second = to_flags(data.flags);
}

void ImapWriting::on_search(const imap::SearchData& data) {
  if (!data.tag.empty() && !asked_.contains(imap::id_of(data.tag).value_or(0))) return;
  ++answered_;
  for (const auto& range : data.all.ranges()) found_.add(range.first, range.last);
}

void ImapWriting::on_list(const imap::ListData& data) {
  if (const auto wanted = listed.find(name_of(data.name)); wanted != listed.end() && !data.lsub) wanted->second = data;
}

void ImapWriting::on_mailbox_status(const imap::StatusData& data) {
  if (counted.size() >= kMostCounted && !counted.contains(name_of(data.name))) return;
  imap::StatusData& known = counted[name_of(data.name)];
  if (data.messages) known.messages = data.messages;
  if (data.append_limit) known.append_limit = data.append_limit;
  if (data.mailbox_id) known.mailbox_id = data.mailbox_id;
}

void ImapWriting::on_malformed(std::string_view text, std::string_view why) { malformed = shown_line(text, why); }

void ImapWriting::on_done(const imap::Completion& done) {
  ImapListener::on_done(done);
  ImapReply reply = std::exchange(next_, {});
  reply.copied = imap::copied_uids(done.line, kMostNamed);
  if (!reply.copied && iequals(done.line.code_name, "COPYUID")) reply.copied_badly = true;
  reply.answer = c_.take_answer(done.id).value_or(ImapAnswer{});
  reply.appended = imap::appended_uids(done.line, kMostNamed);
  if (done.line.code == imap::Code::MailboxId && !done.line.words.empty()) reply.mailbox_id = done.line.words.front();
  if (done.id == opening_.examine) {
    opening_.settle(c_, done.line);
    ImapBox* box = nullptr;
    if (c_.selected_writable && !c_.selected.empty()) box = mailboxes_.by_wire(opening_.wire);
    if (box != nullptr) box->storable = to_mask(opening_.state);
  }
  const auto asked = asked_.extract(done.id);
  if (asked && status_) asked.mapped()(reply);
}

// Sets

std::vector<ImapWriting::Uids> in_sets(const ImapWriting::Uids& uids) {
  // Of two numbers and what divides them: as if no two of them stood side by side.
  constexpr size_t kLongest = sizeof("4294967295:4294967295,") - 1;
  ImapWriting::Uids sorted = uids;
  std::ranges::sort(sorted);
  std::vector<ImapWriting::Uids> sets;
  size_t octets = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    const bool apart = i == 0 || sorted[i] != sorted[i - 1] + 1;
    if (sets.empty() || sets.back().size() >= kSetMessages || (apart && octets + kLongest > kSetOctets)) {
      sets.emplace_back();
      octets = 0;
    }
    if (apart || sets.back().empty()) octets += kLongest;
    sets.back().push_back(sorted[i]);
  }
  return sets;
}

imap::SequenceSet set_of(const ImapWriting::Uids& uids) {
  imap::SequenceSet set;
  for (const uint32_t uid : uids) set.add(uid);
  return set;
}

std::pair<ImapWriting::Uids, ImapWriting::Uids> halves(const ImapWriting::Uids& uids) {
  const auto middle = uids.begin() + static_cast<ptrdiff_t>(uids.size() / 2);
  return {{uids.begin(), middle}, {middle, uids.end()}};
}

std::optional<uint32_t> uid_of(const sync::MsgRef& ref) {
  if (ref.key.number == 0 || ref.key.number > UINT32_MAX) return std::nullopt;
  return static_cast<uint32_t>(ref.key.number);
}

}  // namespace libsync::replicas

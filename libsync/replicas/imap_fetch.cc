#include "libsync/replicas/imap_fetch.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/imap/sequence_set.h"

namespace libsync::replicas {

using sync::FetchItem;
using sync::FetchPart;

void ImapFetch::keep(Status status) {
  if (status_ && !status) status_ = std::move(status);
}

void ImapFetch::fail_item(const FetchItem& item, Errc code, std::string what, std::string server) {
  if (!status_) return;
  keep(sink_.failed(item.token, Error{.code = code, .what = std::move(what), .server = std::move(server)}));
}

Status ImapFetch::run(std::span<const FetchItem> items, std::stop_token stop) {
  sort(items);
  c_.listen(this);
  while (status_) {
    send_what_may_go();
    if (!status_ || visits_.empty()) break;
    Status step = c_.step({}, stop);
    if (!step && status_ && step.error().code != Errc::Cancelled) {
      if (const FetchItem* item = under_way()) sink_.broke_off(item->token);
    }
    keep(std::move(step));
  }
  c_.listen(nullptr);
  if (!status_) c_.abandon();
  return status_;
}

// The message that is coming or, as servers answer in the order of the UIDs, comes next.
const FetchItem* ImapFetch::under_way() const {
  if (current_ == nullptr) return nullptr;
  if (taking_ == Taking::Message) return receiving_->item;
  for (const Batch& batch : current_->sent) {
    for (const uint32_t uid : batch.uids) {
      const auto found = current_->slots.find(uid);
      if (found != current_->slots.end() && !found->second.done) return found->second.item;
    }
  }
  return nullptr;
}

// What is wanted where

// Mailboxes in the order they come; the same message asked for twice makes a second visit.
void ImapFetch::sort(std::span<const FetchItem> items) {
  std::map<std::tuple<sync::BoxId, uint64_t, FetchPart>, Visit*> latest;
  for (const FetchItem& item : items) {
    const ImapBox* box = mailboxes_.find(item.ref.box);
    const auto wire = box != nullptr ? std::optional(box->wire) : mailboxes_.guess_wire(item.ref.box);
    if (const auto why = why_not(item, wire)) {
      if (status_) keep(sink_.failed(item.token, *why));
      continue;
    }
    const auto uid = static_cast<uint32_t>(item.ref.key.number);
    Visit*& visit = latest[{item.ref.box, item.ref.epoch, item.part}];
    if (visit == nullptr || visit->slots.contains(uid)) {
      visit = &waiting_.emplace_back();
      visit->opening.wire = *wire;
      visit->epoch = item.ref.epoch;
      visit->part = item.part;
    }
    visit->slots[uid] = {.item = &item};
  }
  for (Visit& visit : waiting_) make_batches(visit);
}

// What need not be asked for.
std::optional<Error> ImapFetch::why_not(const FetchItem& item, const std::optional<std::string>& wire) const {
  const uint64_t uid = item.ref.key.number, largest = c_.options().limits.streamed_literal;
  if (!wire) return Error{.code = Errc::NotFound, .what = say("{}: the folder is gone", c_.host())};
  if (uid == 0 || uid > UINT32_MAX) {
    return Error{.code = Errc::NotFound, .what = say("{}: not a message of an IMAP folder", c_.host())};
  }
  if (item.part == FetchPart::Whole && item.size > largest) {
    return Error{
        .code = Errc::Limit,
        .what = say("{}: a message of {} is larger than {}", c_.host(), human_size(item.size), human_size(largest))};
  }
  return std::nullopt;
}

void ImapFetch::make_batches(Visit& visit) {
  Batch batch;
  for (const auto& [uid, slot] : visit.slots) {
    const uint64_t size = visit.part == FetchPart::Whole && slot.item->size > 0 ? slot.item->size : kTypicalHeader;
    if (!batch.uids.empty() && (batch.uids.size() >= kBatchMessages || batch.octets + size > kBatchOctets)) {
      visit.waiting.push_back(std::exchange(batch, {}));
    }
    batch.uids.push_back(uid);
    batch.octets += size;
  }
  if (!batch.uids.empty()) visit.waiting.push_back(std::move(batch));
}

// Sending

void ImapFetch::send_what_may_go() {
  while (status_) {
    if (!visits_.empty() && !visits_.back().waiting.empty()) {
      Visit& last = visits_.back();
      if (!may_send(last) || !has_room(last)) return;
      keep(send_batch(last));
    } else {
      if (waiting_.empty() || !flight_.may_open(visits_.size()) || !has_room(waiting_.front())) return;
      keep(open_next());
    }
  }
}

bool ImapFetch::has_room(const Visit& visit) const {
  return octets_ + visit.waiting.front().octets <= kOctetsInFlight || c_.session().in_flight() < kCommandsInFlight;
}

bool ImapFetch::may_send(const Visit& visit) {
  if (visit.sent.size() >= kBatchesInFlight) return false;
  // One that is asked for alone must be the only one whose text can come.
  const auto alone = [&](const Batch& batch) { return visit.slots.at(batch.uids.front()).alone; };
  return visit.sent.empty() || (!alone(visit.waiting.front()) && !alone(visit.sent.back()));
}

Status ImapFetch::open_next() {
  visits_.splice(visits_.end(), waiting_, waiting_.begin());
  Visit& visit = visits_.back();
  // Open since the last look, or visit.
  if (visits_.size() > 1 || c_.selected != visit.opening.wire) return visit.opening.send(c_, {});
  current_ = &visit;
  check_epoch(visit);
  leave_finished();
  return {};
}

Status ImapFetch::send_batch(Visit& visit) {
  Batch batch = std::move(visit.waiting.front());
  visit.waiting.pop_front();
  imap::SequenceSet set;
  for (const uint32_t uid : batch.uids) set.add(uid);
  const char* items = visit.part == FetchPart::Whole ? "UID BODY.PEEK[]" : "UID BODY.PEEK[HEADER]";
  TB_ASSIGN(batch.id, c_.send(imap::uid_fetch(set.text(), items)));
  batch.alone = visit.slots.at(batch.uids.front()).alone;
  octets_ += batch.octets;
  visit.sent.push_back(std::move(batch));
  return {};
}

// Opening and leaving

void ImapFetch::on_status(const imap::StatusLine& line) {
  ImapListener::on_status(line);
  const auto next = std::ranges::find_if(visits_, [](const Visit& visit) { return visit.opening.examine != 0; });
  if (next != visits_.end()) next->opening.take(line);
}

void ImapFetch::check_epoch(Visit& visit) {
  if (c_.selected_epoch == visit.epoch) return;
  give_up(visit, Error{.code = Errc::NotFound,
                       .what = say("{}: {} was made anew (its UIDVALIDITY changed)", c_.host(),
                                   printable(visit.opening.wire))});
}

// Its messages can't be had. What was asked for already is answered all the same, and passed over.
void ImapFetch::give_up(Visit& visit, const Error& why) {
  for (const auto& [uid, slot] : visit.slots) {
    if (!slot.done && status_) keep(sink_.failed(slot.item->token, why));
  }
  visit.slots.clear();
  visit.waiting.clear();
}

void ImapFetch::leave_finished() {
  while (!visits_.empty() && visits_.front().over()) {
    Visit& first = visits_.front();
    const bool last = visits_.size() == 1;
    if (!first.waiting.empty() && last) return;  // its mailbox is still the one that is open
    if (current_ == &first) current_ = nullptr;
    if (first.waiting.empty()) {
      visits_.pop_front();
    } else {
      waiting_.splice(waiting_.end(), visits_, visits_.begin());
    }
  }
}

// What the server says

ImapFetch::Slot* ImapFetch::wanted(uint32_t uid) {
  if (current_ == nullptr) return nullptr;
  const auto found = current_->slots.find(uid);
  return found == current_->slots.end() || found->second.done ? nullptr : &found->second;
}

void ImapFetch::on_body_begin(const imap::BodyStart& start) {
  taking_ = Taking::Nothing;
  if (!status_ || current_ == nullptr || current_->slots.empty()) return;
  if (!iequals(start.section, current_->part == FetchPart::Whole ? "" : "HEADER")) return;
  uint32_t uid = start.uid;
  const std::vector<Batch>& sent = current_->sent;
  // The only message that was asked for, unless a UID behind it says otherwise; at once, where it is too large to
  // be held until then.
  only_ = sent.size() == 1 && sent.front().uids.size() == 1 ? sent.front().uids.front() : 0;
  if (uid == 0 && start.size > kMaxHeld) uid = only_;
  if (uid == 0) {
    taking_ = start.size <= kMaxHeld ? Taking::Held : Taking::TooLargeToHold;
    held_.clear();
    return;
  }
  receiving_ = wanted(uid);
  if (receiving_ == nullptr || refuses_empty(*receiving_, start.size)) return;
  taking_ = Taking::Message;
  const uint64_t announced = receiving_->item->size;
  if (current_->part == FetchPart::Whole && announced != 0 && start.size != announced)
    c_.session().note(imap::Quirk::WrongSize);
  keep(sink_.begin(receiving_->item->token, start.size));
}

// Some servers answer so for what they can't convert or read: an empty text for a message that is not empty.
bool ImapFetch::refuses_empty(Slot& slot, uint64_t octets) const {
  if (octets > 0 || slot.item->part != FetchPart::Whole || slot.item->size == 0) return false;
  slot.refused = "BODY[] \"\"";
  return true;
}

void ImapFetch::on_body_data(std::string_view bytes) {
  if (!status_) return;
  if (taking_ == Taking::Message) keep(sink_.data(bytes));
  if (taking_ == Taking::Held) held_.append(bytes);
}

void ImapFetch::on_body_end() {
  if (taking_ == Taking::Message && status_) {
    receiving_->done = true;
    put_off_ = 0;
    keep(sink_.end(receiving_->item->token));
  }
  holds_ = taking_ == Taking::Held;
  overflowed_ = taking_ == Taking::TooLargeToHold;
  taking_ = Taking::Nothing;
}

void ImapFetch::on_fetch(const imap::FetchData& data) {
  if (holds_) deliver_held(data.uid.value_or(only_));
  Slot* slot = data.uid ? wanted(*data.uid) : nullptr;
  if (overflowed_ && slot != nullptr) slot->alone = true;
  for (const imap::BodySection& body : data.bodies) {
    if (slot != nullptr && body.content.kind == imap::Text::Kind::Nil) slot->refused = "BODY[] NIL";
  }
  holds_ = overflowed_ = false;
}

// Whose text it was is not known, unless only one was asked for: none that is held belongs to what comes next.
void ImapFetch::on_malformed(std::string_view text, std::string_view why) {
  if (holds_) deliver_held(only_);
  holds_ = overflowed_ = false;
  if (current_ != nullptr) current_->malformed = shown_line(text, why);
}

void ImapFetch::deliver_held(uint32_t uid) {
  Slot* slot = wanted(uid);
  if (slot == nullptr || !status_ || refuses_empty(*slot, held_.size())) return;
  slot->done = true;
  put_off_ = 0;
  keep(sink_.begin(slot->item->token, held_.size()));
  if (status_) keep(sink_.data(held_));
  if (status_) keep(sink_.end(slot->item->token));
  held_.clear();
}

void ImapFetch::on_done(const imap::Completion& done) {
  ImapListener::on_done(done);
  for (Visit& visit : visits_) {
    const auto batch = std::ranges::find(visit.sent, done.id, &Batch::id);
    if (done.id != visit.opening.examine && batch == visit.sent.end()) continue;
    const ImapAnswer answer = c_.take_answer(done.id).value_or(ImapAnswer{});
    if (batch != visit.sent.end()) {
      const Batch answered = std::move(*batch);
      visit.sent.erase(batch);
      octets_ -= answered.octets;
      settle(visit, answered, answer);
    } else {
      visit.opening.settle(c_, done.line);
      current_ = &visit;
      if (answer.ok()) {
        check_epoch(visit);
      } else {
        give_up(visit, c_.error(Errc::Refused, say("{} can't be opened", printable(visit.opening.wire)), answer));
      }
    }
    return leave_finished();
  }
}

// What the command did not bring: asked for again in halves when it was refused, until the bad ones stand alone.
void ImapFetch::settle(Visit& visit, const Batch& batch, const ImapAnswer& answer) {
  std::vector<uint32_t> left;
  const uint64_t each = batch.octets / batch.uids.size();
  for (const uint32_t uid : batch.uids) {
    const auto found = visit.slots.find(uid);
    if (found == visit.slots.end() || found->second.done || !status_) continue;
    Slot& slot = found->second;
    if (slot.alone && !batch.alone) {
      visit.waiting.push_front({.uids = {uid}, .octets = each});
    } else if (!slot.refused.empty() || answer.ok() || batch.uids.size() == 1) {
      settle_one(visit, slot, answer);
    } else {
      left.push_back(uid);
    }
  }
  visit.malformed.clear();
  if (left.empty()) return;
  const auto middle = left.begin() + static_cast<ptrdiff_t>(left.size() / 2);
  const auto half = [&](auto begin, auto end) {
    return Batch{.uids = {begin, end}, .octets = each * static_cast<uint64_t>(end - begin)};
  };
  if (left.begin() != middle) visit.waiting.push_front(half(left.begin(), middle));
  visit.waiting.push_back(half(middle, left.end()));
}

void ImapFetch::settle_one(const Visit& visit, Slot& slot, const ImapAnswer& answer) {
  slot.done = true;
  // "Not now" said of one message alone is often that message's own trouble; said of the next one too, it is
  // the server's.
  if (slot.refused.empty() && !answer.ok() && answer.passing() && ++put_off_ > 1) {
    return keep(fail(c_.error(Errc::Refused, say("messages can't be fetched now"), answer)));
  }
  if (!slot.refused.empty()) {
    return fail_item(*slot.item, Errc::Refused, say("{} does not give the message's text", c_.host()), slot.refused);
  }
  if (answer.ok() && !visit.malformed.empty()) {
    return fail_item(*slot.item, Errc::Protocol, say("{}: the server's answer can't be read", c_.host()),
                     visit.malformed);
  }
  const bool gone = answer.ok() || answer.code == imap::Code::ExpungeIssued;
  fail_item(*slot.item, gone ? Errc::NotFound : Errc::Refused,
            gone ? say("{}: the message is gone", c_.host()) : say("{} refuses the message", c_.host()), answer.text);
}

}  // namespace libsync::replicas

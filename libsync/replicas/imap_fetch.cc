#include "libsync/replicas/imap_fetch.h"

#include <algorithm>
#include <map>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/imap/select.h"
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
  // Mailboxes in the order they come; the same message asked for twice makes a second round.
  std::vector<std::vector<const FetchItem*>> groups;
  std::map<std::tuple<sync::BoxId, uint64_t, FetchPart, size_t>, size_t> index;
  std::map<std::tuple<sync::BoxId, uint64_t, uint64_t, FetchPart>, size_t> times;
  for (const FetchItem& item : items) {
    const size_t round = times[{item.ref.box, item.ref.epoch, item.ref.key.number, item.part}]++;
    const auto [at, fresh] = index.try_emplace({item.ref.box, item.ref.epoch, item.part, round}, groups.size());
    if (fresh) groups.emplace_back();
    groups[at->second].push_back(&item);
  }
  c_.listen(this);
  for (const auto& group : groups) {
    if (status_) keep(fetch_group(group, stop));
  }
  c_.listen(nullptr);
  if (!status_) c_.abandon();
  return status_;
}

// Opens the mailbox unless it is open. False: it can't be, and `why` says so.
Result<bool> ImapFetch::open(const sync::MsgRef& ref, std::optional<Error>& why, std::stop_token stop) {
  const ImapBox* box = mailboxes_.find(ref.box);
  const auto wire = box != nullptr ? std::optional(box->wire) : mailboxes_.guess_wire(ref.box);
  if (!wire) {
    why = Error{.code = Errc::NotFound, .what = say("{}: the folder is gone", c_.host())};
    return false;
  }
  if (c_.selected != *wire) {
    c_.selected.clear();
    imap::SelectData state;
    class Opening final : public ImapListener {
     public:
      Opening(ImapConversation& conversation, imap::SelectData& state) : ImapListener(conversation), state_(state) {}
      void on_status(const imap::StatusLine& line) override {
        ImapListener::on_status(line);
        state_.take(line);
      }

     private:
      imap::SelectData& state_;
    } opening(c_, state);
    c_.listen(&opening);
    const auto answer = c_.ask(imap::select(*wire, {}), stop);
    c_.listen(this);
    if (!answer) return std::unexpected(answer.error());
    if (!answer->ok()) {
      why = c_.error(Errc::Refused, say("{} can't be opened", printable(*wire)), *answer);
      return false;
    }
    c_.selected = *wire;
    c_.selected_epoch = state.uid_validity;
  }
  if (c_.selected_epoch == ref.epoch) return true;
  why = Error{.code = Errc::NotFound,
              .what = say("{}: {} was made anew (its UIDVALIDITY changed)", c_.host(), printable(*wire))};
  return false;
}

Status ImapFetch::fetch_group(std::span<const FetchItem* const> items, std::stop_token stop) {
  std::optional<Error> why;
  TB_ASSIGN(const bool opened, open(items.front()->ref, why, stop));
  slots_.clear();
  part_ = items.front()->part;
  for (const FetchItem* item : items) {
    const uint64_t uid = item->ref.key.number;
    if (!opened) {
      TB_TRY(sink_.failed(item->token, *why));
    } else if (uid == 0 || uid > UINT32_MAX) {
      fail_item(*item, Errc::NotFound, say("{}: not a message of an IMAP folder", c_.host()));
    } else if (part_ == FetchPart::Whole && item->size > c_.options().limits.streamed_literal) {
      fail_item(*item, Errc::Limit,
                say("{}: a message of {} is larger than {}", c_.host(), human_size(item->size),
                    human_size(c_.options().limits.streamed_literal)));
    } else {
      slots_[static_cast<uint32_t>(uid)] = {.item = item};
    }
  }
  make_batches();
  while (status_ && (!batches_.empty() || !sent_.empty())) {
    while (status_ && may_send()) keep(send_batch());
    if (status_) keep(c_.step({}, stop));
  }
  return status_;
}

void ImapFetch::make_batches() {
  Batch all;
  for (const auto& [uid, slot] : slots_) all.push_back(uid);
  std::ranges::sort(all);
  Batch batch;
  uint64_t octets = 0;
  for (const uint32_t uid : all) {
    const uint64_t size = part_ == FetchPart::Whole ? slots_[uid].item->size : 0;
    if (!batch.empty() && (batch.size() >= kBatchMessages || octets + size > kBatchOctets)) {
      batches_.push_back(std::exchange(batch, {}));
      octets = 0;
    }
    batch.push_back(uid);
    octets += size;
  }
  if (!batch.empty()) batches_.push_back(std::move(batch));
}

bool ImapFetch::may_send() const {
  if (batches_.empty() || sent_.size() >= kBatchesInFlight) return false;
  // One that is asked for alone must be the only one whose text can come.
  const auto alone = [&](const Batch& batch) { return slots_.at(batch.front()).alone; };
  return sent_.empty() || (!alone(batches_.front()) && !alone(sent_.back().uids));
}

Status ImapFetch::send_batch() {
  imap::SequenceSet set;
  for (const uint32_t uid : batches_.front()) set.add(uid);
  const char* items = part_ == FetchPart::Whole ? "UID BODY.PEEK[]" : "UID BODY.PEEK[HEADER]";
  Sent sent{.uids = std::move(batches_.front())};
  batches_.pop_front();
  TB_ASSIGN(sent.id, c_.send(imap::uid_fetch(set.text(), items)));
  sent_.push_back(std::move(sent));
  return {};
}

ImapFetch::Slot* ImapFetch::wanted(uint32_t uid) {
  const auto found = slots_.find(uid);
  return found == slots_.end() || found->second.done ? nullptr : &found->second;
}

void ImapFetch::on_body_begin(const imap::BodyStart& start) {
  taking_ = Taking::Nothing;
  const std::string_view section = part_ == FetchPart::Whole ? "" : "HEADER";
  if (!status_ || !iequals(start.section, section)) return;
  uint32_t uid = start.uid;
  // The only message that was asked for: it can be no other.
  if (uid == 0 && sent_.size() == 1 && sent_.front().uids.size() == 1) uid = sent_.front().uids.front();
  if (uid == 0) {
    taking_ = start.size <= kMaxHeld ? Taking::Held : Taking::TooLargeToHold;
    held_.clear();
    return;
  }
  receiving_ = wanted(uid);
  if (receiving_ == nullptr || refuses_empty(*receiving_, start.size)) return;
  taking_ = Taking::Message;
  keep(sink_.begin(receiving_->item->token, start.size));
}

// Some servers answer so for what they can't convert or read: an empty text for a message that is not empty.
bool ImapFetch::refuses_empty(Slot& slot, uint64_t octets) {
  if (octets > 0 || part_ != FetchPart::Whole || slot.item->size == 0) return false;
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
  if (data.uid && holds_) deliver_held(*data.uid);
  Slot* slot = data.uid ? wanted(*data.uid) : nullptr;
  if (overflowed_ && slot != nullptr) slot->alone = true;
  for (const imap::BodySection& body : data.bodies) {
    if (slot != nullptr && body.content.kind == imap::Text::Kind::Nil) slot->refused = "BODY[] NIL";
  }
  holds_ = overflowed_ = false;
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
  const auto found = std::ranges::find(sent_, done.id, &Sent::id);
  if (found == sent_.end() || !status_) return;
  const ImapAnswer answer = c_.take_answer(done.id).value_or(ImapAnswer{});
  const Sent sent = std::move(*found);
  sent_.erase(found);
  settle(sent, answer);
}

// What the command did not bring: asked for again in halves when it was refused, until the bad ones stand alone.
void ImapFetch::settle(const Sent& sent, const ImapAnswer& answer) {
  Batch left;
  for (const uint32_t uid : sent.uids) {
    Slot* slot = wanted(uid);
    if (slot == nullptr) continue;
    if (slot->alone && sent.uids.size() > 1) {
      batches_.push_front({uid});
    } else if (!slot->refused.empty() || answer.ok() || sent.uids.size() == 1) {
      settle_one(*slot, answer);
    } else {
      left.push_back(uid);
    }
  }
  if (left.empty()) return;
  const auto middle = left.begin() + static_cast<ptrdiff_t>(left.size() / 2);
  if (left.begin() != middle) batches_.push_front({left.begin(), middle});
  batches_.push_back({middle, left.end()});
}

void ImapFetch::settle_one(Slot& slot, const ImapAnswer& answer) {
  slot.done = true;
  // "Not now" said of one message alone is often that message's own trouble; said of the next one too, it is
  // the server's.
  if (slot.refused.empty() && !answer.ok() && answer.passing() && ++put_off_ > 1) {
    return keep(fail(c_.error(Errc::Refused, say("messages can't be fetched now"), answer)));
  }
  if (!slot.refused.empty()) {
    return fail_item(*slot.item, Errc::Refused, say("{} does not give the message's text", c_.host()), slot.refused);
  }
  const bool gone = answer.ok() || answer.code == imap::Code::ExpungeIssued;
  fail_item(*slot.item, gone ? Errc::NotFound : Errc::Refused,
            gone ? say("{}: the message is gone", c_.host()) : say("{} refuses the message", c_.host()), answer.text);
}

}  // namespace libsync::replicas

#include "libsync/replicas/pop3_fetch.h"

#include <algorithm>
#include <deque>
#include <vector>

#include "libsync/base/words.h"

namespace libsync::replicas {
namespace {

using pop3::Event;
using pop3::Verb;

// Passes a message on up to and with the empty line behind its header.
class HeaderCut {
 public:
  std::string_view operator()(std::string_view bytes) {
    size_t at = 0;
    while (!over_ && at < bytes.size()) {
      const char c = bytes[at++];
      if (c == '\n') {
        over_ = empty_;
        empty_ = true;
      } else if (c != '\r') {
        empty_ = false;
      }
    }
    return bytes.substr(0, at);
  }

 private:
  bool empty_ = true;  // the line so far
  bool over_ = false;
};

class Fetcher final : public pop3::Events {
 public:
  Fetcher(Pop3Conversation& conversation, const Pop3Maildrop& drop, sync::MessageSink& sink)
      : c_(conversation), drop_(drop), sink_(sink) {}

  Status run(std::span<const sync::FetchItem> items, std::stop_token stop) {
    Status status = fetch(items, std::move(stop));
    if (!status && status.error().code != Errc::Cancelled && !wanted_.empty()) {
      const bool owed = c_.fell_silent() && !wanted_.front().came;
      if (owed) std::ranges::for_each(ended_, [&](uint64_t token) { sink_.uncertain(token); });
      sink_.broke_off(wanted_.front().token);
    }
    return status;
  }

  Status event(const Event& event) override {
    if (event.verb == Verb::Noop || event.verb == Verb::Rset) {
      ended_.clear();  // an answer of one line where it belongs
      return {};
    }
    Wanted& wanted = wanted_.front();
    switch (event.kind) {
      case Event::Kind::Reply:
        return event.status->ok ? sink_.begin(wanted.token, wanted.size) : refused(*event.status);
      case Event::Kind::Text: {
        wanted.came = true;
        const std::string_view bytes = wanted.cut ? wanted.header(event.text) : event.text;
        return bytes.empty() ? Status() : sink_.data(bytes);
      }
      case Event::Kind::End: {
        const uint64_t token = wanted.token;
        forget_first();
        ended_.push_back(token);
        return sink_.end(token);
      }
      default:
        return {};
    }
  }

 private:
  struct Wanted {
    uint64_t token, number, size;
    uint64_t weight;  // octets that count for the window
    bool cut;         // only the header is wanted, and the server has no TOP
    HeaderCut header{};
    bool came = false;  // a part of its text
  };

  Status fetch(std::span<const sync::FetchItem> items, std::stop_token stop) {
    for (const sync::FetchItem& item : items) {
      const Pop3Maildrop::Entry* entry = item.ref.key.number == 0 ? drop_.find(item.ref.key.name) : nullptr;
      if (entry == nullptr) {
        TB_TRY(sink_.failed(item.token, {.code = Errc::NotFound, .what = say("the message is not in the maildrop")}));
        continue;
      }
      TB_TRY(make_room(stop));
      if (c_.session().idle()) ended_.clear();  // nothing is owed: what came is what was asked for
      TB_TRY(forget_now_and_then());
      TB_TRY(ask_for(item, *entry));
    }
    return asked_ ? c_.drain_messages(*this, stop) : Status();
  }

  // A full window is filled again when half of it has come: in one flight, not message by message. However large
  // they are, one is asked for while another comes.
  Status make_room(const std::stop_token& stop) {
    const pop3::Session& session = c_.session();
    const auto waits = [&](uint64_t octets, size_t messages) {
      return !session.idle() &&
             ((octets_ >= octets && wanted_.size() > 1) || wanted_.size() >= messages || !session.can_send(Verb::Retr));
    };
    if (!waits(kFetchWindowOctets, kFetchWindowMessages)) return {};
    while (waits(kFetchWindowOctets / 2, kFetchWindowMessages / 2)) TB_TRY(c_.pump(*this, stop));
    return {};
  }

  // Without PIPELINING none can be in flight.
  Status forget_now_and_then() {
    if ((unforgotten_ < kForgetMessages && unforgotten_octets_ < kForgetOctets) || c_.session().idle()) return {};
    unforgotten_ = unforgotten_octets_ = 0;
    return c_.let_forget();
  }

  Status ask_for(const sync::FetchItem& item, const Pop3Maildrop::Entry& entry) {
    // A header's size is not known beforehand; most have less than this.
    static constexpr uint64_t kTypicalHeader = 4096;
    const bool header = item.part == sync::FetchPart::Header;
    const bool top = header && drop_.has_top();
    Wanted wanted{.token = item.token,
                  .number = entry.number,
                  .size = header ? 0 : entry.size,
                  .weight = top ? kTypicalHeader : entry.size,
                  .cut = header && !top};
    octets_ += wanted.weight;
    ++unforgotten_;
    unforgotten_octets_ += wanted.weight;
    asked_ = true;
    wanted_.push_back(wanted);
    return c_.send(top ? pop3::top(entry.number, 0) : pop3::retr(entry.number, entry.size));
  }

  Status refused(const pop3::StatusLine& status) {
    const Wanted wanted = wanted_.front();
    forget_first();
    return sink_.failed(
        wanted.token, pop3::refusal(say("{} does not hand out message {}", c_.channel().host(), wanted.number), status,
                                    c_.session().capabilities(), Errc::Refused));
  }

  void forget_first() {
    octets_ -= wanted_.front().weight;
    wanted_.pop_front();
  }

  Pop3Conversation& c_;
  const Pop3Maildrop& drop_;
  sync::MessageSink& sink_;
  std::deque<Wanted> wanted_;
  std::vector<uint64_t> ended_;                        // and may be another's if an answer is left out
  uint64_t octets_ = 0;                                // asked for and not yet here
  uint64_t unforgotten_ = 0, unforgotten_octets_ = 0;  // asked for behind the last RSET
  bool asked_ = false;
};

}  // namespace

Status fetch_messages(Pop3Conversation& conversation, const Pop3Maildrop& drop, std::span<const sync::FetchItem> items,
                      sync::MessageSink& sink, std::stop_token stop) {
  return Fetcher(conversation, drop, sink).run(items, std::move(stop));
}

}  // namespace libsync::replicas

#include "libsync/replicas/pop3.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/replicas/pop3_conversation.h"
#include "libsync/replicas/pop3_fetch.h"
#include "libsync/replicas/pop3_login.h"
#include "libsync/replicas/pop3_maildrop.h"
#include "libsync/replicas/pop3_remove.h"

namespace libsync::replicas {
namespace {

constexpr std::string_view kInbox = "INBOX";

// RFC 3986, section 2.3: what needs no escape in a URL's user part.
std::string url_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                       c == '.' || c == '_' || c == '~';
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<uint8_t>(c));
  }
  return out;
}

class Pop3Replica final : public sync::Replica {
 public:
  Pop3Replica(std::unique_ptr<Pop3Conversation> conversation, std::string identity, Pop3Options options)
      : conversation_(std::move(conversation)), identity_(std::move(identity)), options_(std::move(options)) {}

  Status log_in(std::stop_token stop) {
    TB_TRY(replicas::log_in(*conversation_, options_, drop_, std::move(stop)));
    options_.credentials = {};  // the session needs them no more
    return {};
  }

  sync::Capabilities capabilities() const override {
    const pop3::Capabilities& server = conversation_->session().capabilities();
    return {.remove = true,
            .removes_at_finish = true,
            .partial_fetch = drop_.loaded() ? drop_.has_top() : server.top,
            .stable_ids = drop_.loaded() ? drop_.has_uidl() : server.uidl || !server.known};
  }

  std::string identity() const override { return identity_; }

  Result<std::vector<sync::Mailbox>> mailboxes(std::stop_token) override {
    return std::vector<sync::Mailbox>{{.id = std::string(kInbox),
                                       .path = {std::string(kInbox)},
                                       .role = sync::Role::Inbox,
                                       .selectable = true,
                                       .subscribed = true}};
  }

  Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
    for (const sync::BoxCursor& cursor : cursors) {
      if (cursor.box != kInbox) {
        TB_TRY(sink.missing(cursor.box));
        continue;
      }
      TB_TRY(list(stop, cursor.cursor));
      if (cursor.cursor.empty()) TB_TRY(drop_.complete_digests(*conversation_, stop));
      TB_TRY(show(sink, stop));
    }
    return {};
  }

  Status fetch(std::span<const sync::FetchItem> items, sync::MessageSink& sink, std::stop_token stop) override {
    TB_TRY(list(stop));
    TB_TRY(know(items, stop));
    return fetch_messages(*conversation_, drop_, items, sink, std::move(stop));
  }

  Status apply(std::span<const sync::Action> actions, sync::ActionSink& sink, std::stop_token stop) override {
    TB_TRY(list(stop));
    TB_TRY(know(actions, stop));
    return removals_.apply(*conversation_, drop_, actions, sink, std::move(stop));
  }

  // The maildrop is a picture taken at the login: nothing new shows before the next session.
  Result<std::vector<sync::BoxId>> wait(Deadline deadline, std::stop_token stop) override {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_until(lock, stop, deadline, [] { return false; });
    if (stop.stop_requested()) return fail(Errc::Cancelled, say("stopped"));
    return std::vector<sync::BoxId>();
  }

  Status finish(sync::ActionSink& sink, std::stop_token stop) override {
    if (finished_) return {};
    finished_ = true;
    // Asked for, and then not looked at.
    if (drop_.asked() && !drop_.loaded()) TB_TRY(conversation_->drain(drop_.answers(), stop));
    return removals_.finish(*conversation_, sink, std::move(stop));
  }

  sync::ReplicaCost cost() const override {
    const net::Cost cost = conversation_->channel().cost();
    return {.bytes_in = cost.bytes_in, .bytes_out = cost.bytes_out, .round_trips = cost.round_trips};
  }

 private:
  // A key of before may be that of a message whose digest this session has not taken.
  template <class Items>
  Status know(const Items& items, const std::stop_token& stop) {
    if (!drop_.partial()) return {};
    const bool all_new = std::ranges::all_of(items, [&](const auto& item) {
      const auto* entry = drop_.find(item.ref.key.name);
      return entry != nullptr && drop_.is_new(*entry);
    });
    return all_new ? Status() : drop_.complete_digests(*conversation_, stop);
  }

  Status list(const std::stop_token& stop, std::string_view token = {}) {
    if (finished_) return fail(Errc::Internal, say("the POP3 session is over"));
    TB_TRY(conversation_->health());
    if (!drop_.loaded()) {
      TB_TRY(drop_.load(*conversation_, token, stop));
      tell_login_delay(conversation_->session(), options_);
    }
    return {};
  }

  Status show(sync::ChangeSink& sink, const std::stop_token& stop) {
    const sync::BoxId box(kInbox);
    sync::BoxState state{.epoch = 0, .full = drop_.complete() && !drop_.partial()};
    state.rights.remove = true;
    TB_TRY(sink.open(box, state));
    sync::MsgRef ref{.box = box};
    for (const Pop3Maildrop::Entry& entry : drop_.entries()) {
      if (entry.key_size == 0) continue;
      if (stop.stop_requested()) return fail(Errc::Cancelled, say("stopped"));
      ref.key.name = drop_.key(entry);
      sync::Facts facts;
      facts.size = entry.size;
      if (const auto* digest = drop_.digest(entry)) {
        facts.print = digest->print;
        facts.object = digest->object;
      }
      TB_TRY(sink.seen(ref, facts));
    }
    return sink.close(box, drop_.token(), drop_.exists());
  }

  std::unique_ptr<Pop3Conversation> conversation_;
  std::string identity_;
  Pop3Options options_;
  Pop3Maildrop drop_{conversation_->session().quirks()};
  Pop3Removals removals_;
  bool finished_ = false;
};

}  // namespace

Result<std::unique_ptr<sync::Replica>> open_pop3(std::unique_ptr<net::Channel> channel, Pop3Options options,
                                                 std::stop_token stop) {
  static const SystemClock machine;
  const std::string host = channel->host();
  std::string identity = "pop3://" + url_escape(options.credentials.user) + "@" + to_lower(host);
  if (options.port != 0) identity += ":" + std::to_string(options.port);
  auto conversation = std::make_unique<Pop3Conversation>(
      std::move(channel),
      pop3::Session::Options{
          .host = host, .trace = options.trace, .timeouts = options.timeouts, .limits = options.limits},
      options.clock != nullptr ? *options.clock : machine, options.wait_for_login, options.on_ahead);
  auto replica = std::make_unique<Pop3Replica>(std::move(conversation), std::move(identity), std::move(options));
  TB_TRY(replica->log_in(std::move(stop)));
  return replica;
}

}  // namespace libsync::replicas

#include "libsync/replicas/imap.h"

#include <algorithm>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/imap/idle.h"
#include "libsync/imap/logout.h"
#include "libsync/imap/noop.h"
#include "libsync/imap/select.h"
#include "libsync/replicas/imap_apply.h"
#include "libsync/replicas/imap_changes.h"
#include "libsync/replicas/imap_conversation.h"
#include "libsync/replicas/imap_fetch.h"
#include "libsync/replicas/imap_login.h"
#include "libsync/replicas/imap_mailboxes.h"
#include "libsync/sync/path.h"

namespace libsync::replicas {
namespace {

// Hears whether anything happens in the mailbox that is open.
class Ear final : public ImapListener {
 public:
  using ImapListener::ImapListener;
  void on_exists(uint64_t count) override {
    state.exists = count;
    heard = true;
  }
  void on_expunge(uint64_t) override { heard = true; }
  void on_vanished(const imap::VanishedData& data) override { heard = heard || !data.earlier; }
  void on_fetch(const imap::FetchData&) override { heard = true; }
  void on_idling() override { idling = true; }
  void on_status(const imap::StatusLine& line) override {
    ImapListener::on_status(line);
    state.take(line);
  }
  bool heard = false, idling = false;
  imap::SelectData state;
};

class ImapReplica final : public sync::Replica {
 public:
  explicit ImapReplica(std::unique_ptr<ImapConversation> conversation) : c_(std::move(conversation)) {}

  Status log_in(std::stop_token stop) {
    const SendAhead ahead = [this](const imap::Capabilities& believed) { return mailboxes_.ask_ahead(believed); };
    return replicas::log_in(*c_, ahead, std::move(stop));
  }

  sync::Capabilities capabilities() const override {
    const bool writable = c_->options().writable;
    return {.folders = true,
            .flags = true,
            .keywords = true,
            .append = writable,
            .move = writable && c_->can().move(),
            .remove = writable,
            .change_tokens = c_->can().condstore(),
            .partial_fetch = true,
            .push = c_->can().has("IDLE") || c_->can().has("IMAP4REV2"),
            .stable_ids = true,
            .crlf = writable,
            .counted_fetch = true};
  }

  std::string identity() const override {
    const ImapOptions& options = c_->options();
    const std::string port = options.port == 0 ? "" : fmt::format(":{}", options.port);
    return fmt::format("imap://{}@{}{}", options.credentials.user, c_->host(), port);
  }

  Result<std::vector<sync::Mailbox>> mailboxes(std::stop_token stop) override {
    auto all = mailboxes_.list(stop);
    if (!all && all.error().code != Errc::Refused) c_->abandon();
    return all;
  }

  Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
    TB_TRY(know_mailboxes(stop));
    return ImapChanges(*c_, mailboxes_, sink).run(cursors, stop);
  }

  Status fetch(std::span<const sync::FetchItem> items, sync::MessageSink& sink, std::stop_token stop) override {
    if (items.empty()) return {};
    TB_TRY(know_mailboxes(stop));
    return ImapFetch(*c_, mailboxes_, sink).run(items, stop);
  }

  Status apply(std::span<const sync::Action> actions, sync::ActionSink& sink, std::stop_token stop) override {
    if (!c_->options().writable) {
      for (const sync::Action& action : actions) TB_TRY(sink.done(action.token, {.did = sync::Did::ReadOnly}));
      return {};
    }
    if (!actions.empty()) TB_TRY(know_mailboxes(stop));
    return imap_apply(*c_, mailboxes_, actions, sink, std::move(stop));
  }

  Result<std::vector<sync::BoxId>> wait(Deadline deadline, std::stop_token stop) override {
    TB_TRY(know_mailboxes(stop));
    Ear ear(*c_);
    c_->listen(&ear);
    auto heard = listen(ear, deadline, stop);
    c_->listen(nullptr);
    if (!heard) {
      c_->abandon();
      return std::unexpected(heard.error());
    }
    const ImapBox* inbox = mailboxes_.find_wire("INBOX");
    if (!*heard || inbox == nullptr) return std::vector<sync::BoxId>();
    return std::vector<sync::BoxId>{inbox->mailbox.id};
  }

  Status finish(sync::ActionSink&, std::stop_token stop) override {
    if (!c_->usable()) return {};  // nothing waits for the end of the session
    // Nothing on the server depends on the answer: it is not waited for.
    if (c_->send(imap::logout())) (void)c_->flush(c_->now() + c_->options().logout_timeout, std::move(stop));
    c_->abandon();
    return {};
  }

  sync::ReplicaCost cost() const override {
    const net::Cost cost = c_->channel().cost();
    return {.bytes_in = cost.bytes_in, .bytes_out = cost.bytes_out, .round_trips = cost.round_trips};
  }

 private:
  Status know_mailboxes(std::stop_token stop) {
    if (mailboxes_.listed()) return {};
    const auto all = mailboxes(stop);
    return all ? Status() : fail(all.error());
  }

  // True when something happened in INBOX: a session hears only of the mailbox that is open.
  Result<bool> listen(Ear& ear, Deadline deadline, std::stop_token stop) {
    c_->selected.clear();
    TB_ASSIGN(const ImapAnswer answer, c_->ask(imap::select("INBOX", {}), stop));
    if (!answer.ok()) return fail(c_->error(Errc::Refused, say("INBOX can't be opened"), answer));
    c_->selected = "INBOX";
    c_->selected_epoch = ear.state.uid_validity;
    c_->selected_writable = false;
    // What came between the last look and now is heard too.
    const auto was = mailboxes_.looked.find("INBOX");
    ear.heard = was != mailboxes_.looked.end() &&
                (was->second.exists != ear.state.exists || was->second.uid_next != ear.state.uid_next.value_or(0));
    const bool idle = c_->can().has("IDLE") || c_->can().has("IMAP4REV2");
    while (!ear.heard && c_->now() < deadline) {
      const auto pause = idle ? std::chrono::milliseconds(imap::kIdleRenewal) : c_->options().poll_interval;
      const Deadline until = std::min(deadline, c_->now() + pause);
      TB_TRY(idle ? idle_until(ear, until, stop) : poll(until, stop));
    }
    return ear.heard;
  }

  Status idle_until(Ear& ear, Deadline until, std::stop_token stop) {
    ear.idling = false;
    TB_ASSIGN(const imap::CommandId id, c_->send(imap::idle()));
    while (!ear.heard || !ear.idling) {
      // The "+" itself comes in ordinary time; what is waited for may take until the deadline.
      const Status step = c_->step(ear.idling ? std::optional(until) : std::nullopt, stop);
      if (!step && !c_->timed_out()) return step;
      if (c_->session().in_flight() == 0) break;  // refused, or ended by the server
      if (!step) break;
    }
    if (ear.idling && c_->session().in_flight() > 0) c_->session().done_idling();
    TB_TRY(c_->drain(stop));
    const auto answer = c_->take_answer(id);
    if (answer && !answer->ok()) return fail(c_->error(Errc::Refused, say("IDLE is refused"), *answer));
    return {};
  }

  Status poll(Deadline until, std::stop_token stop) {
    while (c_->now() < until) {
      const Status step = c_->step(until, stop);
      if (!step) {
        if (!c_->timed_out()) return step;
        break;
      }
    }
    TB_ASSIGN(const ImapAnswer answer, c_->ask(imap::noop(), stop));
    return answer.ok() ? Status() : fail(c_->error(Errc::Refused, say("NOOP is refused"), answer));
  }

  std::unique_ptr<ImapConversation> c_;
  ImapMailboxes mailboxes_{*c_};
};

}  // namespace

Result<std::unique_ptr<sync::Replica>> open_imap(std::unique_ptr<net::Channel> channel, ImapOptions options,
                                                 std::stop_token stop) {
  auto conversation = std::make_unique<ImapConversation>(std::move(channel), std::move(options));
  auto replica = std::make_unique<ImapReplica>(std::move(conversation));
  TB_TRY(replica->log_in(std::move(stop)));
  return replica;
}

}  // namespace libsync::replicas

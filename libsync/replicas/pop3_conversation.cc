#include "libsync/replicas/pop3_conversation.h"

#include <algorithm>
#include <utility>

#include "libsync/replicas/reads_on.h"

namespace libsync::replicas {
namespace {

using pop3::Event;

// As long as net gives a whole connection.
constexpr std::chrono::seconds kHandshakeTimeout{30};

class Greeting final : public pop3::Events {
 public:
  Status event(const Event& event) override {
    if (event.kind == Event::Kind::Greeting) text = event.status->text;
    return {};
  }
  std::string text;
};

class Answer final : public pop3::Events {
 public:
  explicit Answer(pop3::Events* body) : body_(body) {}
  Status event(const Event& event) override {
    if (event.kind == Event::Kind::Reply) status = *event.status;
    return body_ != nullptr ? body_->event(event) : Status();
  }
  pop3::StatusLine status;

 private:
  pop3::Events* body_;
};

}  // namespace

Pop3Conversation::Pop3Conversation(std::unique_ptr<net::Channel> channel, pop3::Session::Options options,
                                   const Clock& clock, bool wait_for_login, std::function<void(bool)> on_ahead)
    : channel_(std::move(channel)),
      clock_(&clock),
      session_(std::move(options), clock.now()),
      wait_for_login_(wait_for_login),
      on_ahead_(std::move(on_ahead)) {}

void Pop3Conversation::tell_ahead(bool waiting) {
  if (std::exchange(ahead_, waiting) != waiting && on_ahead_) on_ahead_(waiting);
}

Status Pop3Conversation::give_up(Error error) {
  broken_ = error;
  return fail(std::move(error));
}

Status Pop3Conversation::send(const pop3::Command& command) {
  if (broken_) return fail(*broken_);
  // A command that can't be put together is the caller's mistake and leaves the session as it was.
  return session_.send(command, now());
}

Status Pop3Conversation::pump(pop3::Events& events, std::stop_token stop) {
  if (broken_) return fail(*broken_);
  // A Secret: what goes out may hold a password, and its bytes are to be wiped.
  const Secret output(session_.take_output());
  if (!output.empty()) channel_->send(output.reveal());
  auto deadline = session_.deadline();
  if (!deadline) return {};
  if (overall_) deadline = std::min(*deadline, *overall_);
  const auto bytes = channel_->receive(*deadline, stop);
  if (!bytes || bytes->empty()) {
    if (auto ended = session_.connection_ended(events); !ended) return give_up(ended.error());
  }
  if (!bytes) {
    fell_silent_ = bytes.error().code == Errc::Network && !channel_->broken();
    return give_up(bytes.error());
  }
  const auto status = bytes->empty() ? session_.peer_closed() : session_.feed(*bytes, now(), events);
  if (!status) return give_up(status.error());
  if (session_.idle()) tell_ahead(false);
  return {};
}

Status Pop3Conversation::drain(pop3::Events& events, std::stop_token stop) {
  while (!session_.idle()) TB_TRY(pump(events, stop));
  return {};
}

Status Pop3Conversation::let_forget() {
  if (session_.has_marked() || !session_.has_read() || !session_.can_send(pop3::Verb::Rset)) return {};
  return send(pop3::rset());
}

Status Pop3Conversation::drain_messages(pop3::Events& events, std::stop_token stop) {
  if (!session_.can_send(pop3::Verb::Noop)) TB_TRY(drain(events, stop));
  TB_TRY(send(session_.has_marked() ? pop3::noop() : pop3::rset()));
  return drain(events, std::move(stop));
}

Result<pop3::StatusLine> Pop3Conversation::ask(const pop3::Command& command, std::stop_token stop, pop3::Events* body) {
  TB_TRY(send(command));
  Answer answer(body);
  TB_TRY(drain(answer, stop));
  pop3::StatusLine status = std::move(answer.status);
  if (session_.holds_end()) TB_TRY(drain_messages(answer, stop));
  return status;
}

Status Pop3Conversation::part(const pop3::Command& command, std::stop_token stop) {
  TB_TRY(send(command));
  channel_->send(session_.take_output());
  // The connection was of no more use: how it ended changes nothing.
  if (const auto deadline = session_.deadline()) (void)channel_->flush(*deadline, std::move(stop));
  return {};
}

Status Pop3Conversation::read_greeting(std::stop_token stop) {
  Greeting greeting;
  while (session_.state() == pop3::State::Greeting) TB_TRY(pump(greeting, stop));
  reads_on_ = !wait_for_login_ && reads_on_behind_a_login(greeting.text);
  return {};
}

Status Pop3Conversation::start_tls(std::stop_token stop) {
  if (broken_) return fail(*broken_);
  // Bytes behind the +OK have already ended the session; what waits in the socket is the channel's.
  Deadline until = now() + kHandshakeTimeout;
  if (overall_) until = std::min(until, *overall_);
  const auto status = channel_->start_tls(0, until, std::move(stop));
  if (!status) return give_up(status.error());
  session_.tls_started();
  return {};
}

}  // namespace libsync::replicas

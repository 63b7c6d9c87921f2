// A POP3 session on a channel: the blocking half. Internal to the POP3 replica.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "libsync/base/clock.h"
#include "libsync/net/channel.h"
#include "libsync/pop3/session.h"

namespace libsync::replicas {

// One thread at a time. The first error ends it: every later call returns that error.
class Pop3Conversation {
 public:
  // `wait_for_login`, `on_ahead`: Pop3Options.
  Pop3Conversation(std::unique_ptr<net::Channel> channel, pop3::Session::Options options, const Clock& clock,
                   bool wait_for_login = false, std::function<void(bool)> on_ahead = {});

  Status send(const pop3::Command& command);
  // Sends what is queued and takes what comes next.
  Status pump(pop3::Events& events, std::stop_token stop);
  // pump() until every command is answered.
  Status drain(pop3::Events& events, std::stop_token stop);
  // Lets the server forget what was read so far, in the same flight: Dovecot, as it comes, sets \Seen on it when the
  // session ends, in whatever way. Where a DELE was sent, or it would cost a round trip, nothing is sent.
  Status let_forget();
  // drain() behind a command whose answer shows that the last message is over (pop3::Session): RSET as above, or NOOP.
  Status drain_messages(pop3::Events& events, std::stop_token stop);
  // One command and its status line (and a NOOP where a message follows); what follows that goes to `body`, or nowhere.
  Result<pop3::StatusLine> ask(const pop3::Command& command, std::stop_token stop, pop3::Events* body = nullptr);
  // The last command of a session, whose answer is of no use: sent, and not waited for.
  Status part(const pop3::Command& command, std::stop_token stop);
  Status read_greeting(std::stop_token stop);
  // Behind the +OK to STLS.
  Status start_tls(std::stop_token stop);
  // No wait goes on behind this; nothing: each has the session's deadline alone.
  void limit_time(std::optional<Deadline> deadline) { overall_ = deadline; }
  // It is over, as an answer did not come in time: the connection itself was whole.
  bool fell_silent() const { return fell_silent_; }
  pop3::Session& session() { return session_; }
  const pop3::Session& session() const { return session_; }
  const net::Channel& channel() const { return *channel_; }
  // The server takes commands behind the last line of a login (reads_on.h).
  bool reads_on() const { return reads_on_; }
  // Something went out there.
  void went_ahead() { tell_ahead(true); }
  Steady::time_point now() const { return clock_->now(); }
  // The error that ended it, or OK.
  Status health() const { return broken_ ? Status(fail(*broken_)) : Status(); }

 private:
  Status give_up(Error error);
  void tell_ahead(bool waiting);

  std::unique_ptr<net::Channel> channel_;
  const Clock* clock_;
  pop3::Session session_;
  std::optional<Deadline> overall_;
  std::optional<Error> broken_;
  bool fell_silent_ = false;
  bool wait_for_login_;
  std::function<void(bool)> on_ahead_;
  bool reads_on_ = false;
  bool ahead_ = false;  // what went ahead waits for its answers
};

}  // namespace libsync::replicas

// The session on its channel: sends, waits, hands out answers. Internal to the IMAP replica.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>

#include "libsync/imap/session.h"
#include "libsync/imap/starttls.h"
#include "libsync/net/channel.h"
#include "libsync/replicas/imap.h"
#include "libsync/replicas/pace.h"

namespace libsync::replicas {

// A tagged response, kept.
struct ImapAnswer {
  imap::Condition condition = imap::Condition::No;
  imap::Code code = imap::Code::None;
  std::string text{};  // printable, with the code: "[NOPERM] no"
  bool ok() const { return condition == imap::Condition::Ok; }
  bool passing() const;  // the code says that it may work later
};

class ImapConversation;

// A line that can't be read, for a person.
std::string shown_line(std::string_view text, std::string_view why);

// What every stage of the session listens to. Stages derive from it; an override of on_greeting, on_done or
// on_status calls this one.
class ImapListener : public imap::Handler {
 public:
  explicit ImapListener(ImapConversation& conversation) : c_(conversation) {}
  void on_greeting(const imap::StatusLine& line) override;
  void on_status(const imap::StatusLine& line) override;
  void on_done(const imap::Completion& done) override;
  void on_enabled(const std::vector<std::string_view>& names) override;
  void on_namespace(const imap::Namespaces& found) override;
  void on_id(const imap::IdFields& fields) override;
  void on_challenge(std::string_view text) override;

 protected:
  ImapConversation& c_;
};

class ImapConversation {
 public:
  ImapConversation(std::unique_ptr<net::Channel> channel, ImapOptions options);

  net::Channel& channel() { return *channel_; }
  const net::Channel& channel() const { return *channel_; }
  const std::string& host() const { return channel_->host(); }
  imap::Session& session() { return session_; }
  const imap::Capabilities& can() const { return session_.capabilities(); }
  const ImapOptions& options() const { return options_; }

  // Who hears events from now on; nullptr: nobody but the conversation.
  void listen(ImapListener* listener) { session_.set_handler(listener == nullptr ? base_ : *listener); }

  Result<imap::CommandId> send(Result<imap::Command> command);
  // Sends what is to be sent, and takes what comes next. After an error every call fails; a deadline that is
  // not the options' own leaves the connection whole (timed_out()).
  Status step(std::optional<Deadline> deadline, std::stop_token stop);
  bool timed_out() const { return timed_out_; }
  // Sends what is to be sent, and waits for nothing.
  Status flush(Deadline deadline, std::stop_token stop);
  // Until every command has its answer.
  Status drain(std::stop_token stop);
  // Waits until this one has its answer, whatever else has none.
  Result<ImapAnswer> answer_to(imap::CommandId id, std::stop_token stop);
  // Drains; the answer to this one.
  Result<ImapAnswer> ask(Result<imap::Command> command, std::stop_token stop);
  std::optional<ImapAnswer> take_answer(imap::CommandId id);

  Status start_tls(std::stop_token stop);
  // Queues COMPRESS where it is wanted and offered, once: behind a command whose answer is waited for anyway
  // it costs no round trip. step() turns compression on when the server says OK. `can`: what it can do, known or hoped.
  Status offer_compression(const imap::Capabilities& can);
  void limit_time(std::optional<Deadline> deadline) { overall_ = deadline; }
  // Something went out behind the last line of the login.
  void went_ahead() { tell_ahead(true); }
  // A call was left before the server had answered all: the connection is of no use.
  void abandon() { abandoned_ = true; }
  Steady::time_point now() const { return options_.clock != nullptr ? options_.clock->now() : Steady::now(); }
  bool usable() const { return !abandoned_; }

  Error error(Errc code, std::string what, const ImapAnswer& answer) const;
  Status at_host(Error error);

  // Answers AUTHENTICATE's challenges, whoever listens.
  std::function<void(std::string_view text)> challenged{};

  // What the session has learnt.
  bool qresync = false;
  std::optional<imap::Namespaces> namespaces{};
  std::string selected{};          // wire name
  uint32_t selected_epoch = 0;     // its UIDVALIDITY
  bool selected_writable = false;  // it was opened by SELECT, and the server did not say [READ-ONLY]
  bool read_only = true;           // mailboxes are opened by EXAMINE: but for Quirk::UnsavedUids, and those who write
  bool reads_on = false;           // takes commands behind the last line of a login (reads_on.h)
  bool trust_texts = false;        // the connection is as safe as asked for: the server's words may be shown

 private:
  friend class ImapListener;
  Status closed();
  Status send_output(const std::stop_token& stop);
  Status answered_compression();
  void tell_ahead(bool waiting);
  void alert(const imap::StatusLine& line);
  void heard_name(std::string_view name);

  std::unique_ptr<net::Channel> channel_;
  ImapOptions options_;
  ImapListener base_{*this};
  imap::Session session_;
  std::map<imap::CommandId, ImapAnswer> answers_;
  std::optional<Deadline> overall_;
  Pace response_pace_, answers_pace_;  // of one response; of all up to the next tagged one
  Steady::duration upload_left_{0};    // what went out may take so long still
  std::set<std::string> alerts_;
  bool offered_compression_ = false;
  imap::CommandId compress_ = 0;  // 0: not sent, or answered
  bool ahead_ = false;            // what went ahead waits for its answers
  bool abandoned_ = false;
  bool timed_out_ = false;
};

}  // namespace libsync::replicas

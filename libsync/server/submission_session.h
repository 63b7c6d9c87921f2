// The server's side of a message submission session, without I/O (RFC 6409 and 5321; AUTH by RFC 4954, STARTTLS by RFC
// 3207, PIPELINING by RFC 2920, SIZE by RFC 1870, 8BITMIME by RFC 6152, SMTPUTF8 by RFC 6531, ENHANCEDSTATUSCODES by
// RFC 2034): bytes and the time in; bytes to send and the next deadline out. It relays nothing: what is submitted goes
// to its DeliveryAgent.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/base/trace.h"
#include "libsync/sasl/server.h"
#include "libsync/server/delivery.h"
#include "libsync/server/line_input.h"
#include "libsync/server/login.h"
#include "libsync/server/message_input.h"
#include "libsync/server/session.h"

namespace libsync::server {

struct SubmissionLimits {
  // RFC 5321, section 4.5.3.1.4: 512; and what parameters add to MAIL: SIZE 26, BODY 17, AUTH 500, SMTPUTF8 10.
  size_t line = 512 + 26 + 17 + 500 + 10;
  size_t auth_line = 12 * 1024;  // AUTH and its responses: 12,288 (RFC 4954, section 4)
  size_t output = 64 * 1024;     // commands are carried out while less than this waits to be sent
  size_t input = 64 * 1024;      // octets that wait to be carried out; no more is read then
  // RFC 5321, section 4.5.3.1.6, and RFC 5322, section 2.1.1, allow 998 octets without the CRLF. Programs send HTML in
  // longer ones; what reads mail here can read that.
  uint64_t text_line = 64 * 1024;
  uint64_t message = 64 << 20;        // octets; told by SIZE
  uint64_t recipients = 100;          // of a message (section 4.5.3.1.8)
  uint64_t refused_recipients = 100;  // of a session: whoever tries names out is stopped
  uint64_t transactions = 1000;       // of a session
  uint64_t commands_before_login = 50;
  uint64_t bad_commands = 20;  // unknown, out of turn, or malformed
  uint64_t failed_logins = 3;
  std::chrono::seconds failed_login_delay{1};  // behind the first failed login; twice as long behind each other one
  std::chrono::seconds login_timeout{60};      // from the greeting, or STARTTLS, to the login
  std::chrono::seconds idle_timeout{300};      // between whole commands (section 4.5.3.2.7)
  // Section 4.5.3.2.5: in which a block of the message, this many octets or its end, is to come.
  std::chrono::seconds data_timeout{180};
  uint64_t data_block = 4096;
};

struct SubmissionOptions {
  sasl::FindPassword find_password{};
  DeliveryAgent* agent = nullptr;  // not owned, outlives the session
  // Switched off, by name: STARTTLS AUTH PIPELINING SIZE 8BITMIME SMTPUTF8 ENHANCEDSTATUSCODES, or a SASL mechanism.
  // Without AUTH nothing can be submitted; without 8BITMIME there is no SMTPUTF8 either (RFC 6531, section 3.1). PLAIN
  // and LOGIN are on offer inside TLS alone, unless `plain_allowed`; CRAM-MD5 where it is in `asked_for`.
  std::vector<std::string> off{};
  std::vector<std::string> asked_for{};
  bool plain_allowed = false;
  bool has_tls = false;                          // STARTTLS can be had
  bool encrypted = false;                        // TLS runs from the first octet on
  std::vector<sasl::ChannelBinding> bindings{};  // of that
  std::string host = "localhost";                // as which it greets, and behind the @ of a Message-ID that it makes
  Secret salt_secret{};
  sasl::RandomBytes random = sasl::system_random;
  const Clock* clock = nullptr;  // for a Date that it makes; null: the system's, else it outlives the session
  Trace* trace = nullptr;        // not owned, outlives the session
  SubmissionLimits limits{};
};

class SubmissionSession final : public Session {
 public:
  SubmissionSession(SubmissionOptions options, Steady::time_point now);

  void feed(std::string_view bytes, Steady::time_point now) override;
  bool wants_input() const override;
  std::string take_output(Steady::time_point now) override;
  // What the client sent behind STARTTLS before it was answered is thrown away.
  bool wants_tls() const override { return wants_tls_; }
  void tls_started(std::vector<sasl::ChannelBinding> bindings, Steady::time_point now) override;
  Deadline deadline() const override;
  void shut_down(std::string_view why) override;
  bool over() const override { return over_; }

 private:
  struct Reply {
    int code = 0;
    std::string_view status{};  // RFC 3463; empty: none
    std::string text{};
  };

  bool has(std::string_view extension) const;
  bool has_utf8() const { return has("SMTPUTF8") && has("8BITMIME"); }
  bool may_say_password() const { return encrypted_ || options_.plain_allowed; }
  void line(std::string_view text);
  void say(const Reply& reply);
  void say(int code, std::string_view status, std::string_view text) { say({code, status, std::string(text)}); }
  void refuse(int code, std::string_view status, std::string_view text);  // counts as a bad command
  void end_session(std::string_view status, std::string_view text);
  static Reply answer_to(const Error& error);

  bool next_line(std::string& line);
  void carry_out(std::string_view text, Steady::time_point now);
  void hello(std::string_view argument, bool extended);
  void starttls(Steady::time_point now);
  void auth(std::string_view argument, Steady::time_point now);
  void go_on(const Login::Answer& answer, Steady::time_point now);
  void log_in(const std::string& name, Steady::time_point now);
  void mail(std::string_view argument);
  std::optional<Reply> take_parameters(std::string_view text);  // what is wrong with them
  void rcpt(std::string_view argument);
  void data(Steady::time_point now);
  bool read_message(Steady::time_point now);
  void message_piece(std::string_view octets);
  void end_message();

  SubmissionOptions options_;
  LineInput input_;
  std::string output_;
  bool encrypted_, wants_tls_ = false, over_ = false;
  bool skipping_ = false;  // the rest of a line that is too long
  std::string client_;     // as it named itself; empty: it has not yet
  bool extended_ = false;  // by EHLO
  Login login_;
  std::optional<std::string> user_;  // who is logged in
  uint64_t commands_ = 0, bad_commands_ = 0, refused_recipients_ = 0, transactions_ = 0;
  Steady::time_point patience_ends_;
  struct Transaction {
    Envelope envelope{};
    bool utf8 = false;
  };
  std::optional<Transaction> transaction_;
  struct Message {
    std::unique_ptr<Delivery> delivery;
    HeaderCompleter header;
    DataReader reader{};
    std::optional<Reply> refusal{};  // the rest is read, and not kept
    uint64_t block = 0;              // octets since patience began anew
  };
  std::optional<Message> message_;
};

}  // namespace libsync::server

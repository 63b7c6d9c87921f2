// The server's side of a POP3 session, without I/O (RFC 1939; CAPA, EXPIRE, LOGIN-DELAY, PIPELINING and response codes
// by RFC 2449 and 3206, STLS by RFC 2595, AUTH by RFC 5034, UTF8 by RFC 6856): bytes and the time in; bytes to send and
// the next deadline out.
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
#include "libsync/pop3/command.h"
#include "libsync/sasl/server.h"
#include "libsync/server/dot_stuffer.h"
#include "libsync/server/line_input.h"
#include "libsync/server/login.h"
#include "libsync/server/maildrop.h"
#include "libsync/server/session.h"

namespace libsync::server {

struct Pop3Limits {
  // RFC 2449, section 4: 255 octets. Passwords and AUTH's responses of real clients may need more.
  size_t line = 1024;
  size_t response_line = 12 * 1024;  // sasl::kMaxResponse in base64
  size_t output = 64 * 1024;         // commands are carried out while less than this waits to be sent
  size_t input = 64 * 1024;          // lines that wait to be carried out; no more is read then
  uint64_t commands_before_login = 50;
  uint64_t bad_commands = 20;  // unknown, or out of turn
  uint64_t failed_logins = 3;
  std::chrono::seconds failed_login_delay{1};  // behind the first failed login; twice as long behind each other one
  std::chrono::seconds login_timeout{60};      // from the greeting, or STLS, to the login
  std::chrono::seconds idle_timeout{600};      // between whole commands (RFC 1939, section 3: at least ten minutes)
};

struct Pop3Options {
  sasl::FindPassword find_password{};
  OpenMaildrop open_maildrop{};
  // Switched off, by name: CAPA STLS USER SASL APOP UIDL TOP PIPELINING EXPIRE LOGIN-DELAY UTF8 RESP-CODES
  // AUTH-RESP-CODE IMPLEMENTATION, or a SASL mechanism. USER, PLAIN and LOGIN are on offer inside TLS alone, unless
  // `plain_allowed`; APOP and CRAM-MD5 where they are in `asked_for`.
  std::vector<std::string> off{};
  std::vector<std::string> asked_for{};
  bool plain_allowed = false;
  bool has_tls = false;                          // STLS can be had
  bool encrypted = false;                        // TLS runs from the first octet on
  std::vector<sasl::ChannelBinding> bindings{};  // of that
  std::optional<uint64_t> expire_days{};         // EXPIRE; nothing: NEVER
  uint64_t login_delay = 0;                      // seconds; told, and for open_maildrop() to keep
  std::string host = "localhost";                // in the banner
  Secret salt_secret{};
  sasl::RandomBytes random = sasl::system_random;
  Trace* trace = nullptr;  // not owned, outlives the session
  Pop3Limits limits{};
};

class Pop3Session final : public Session {
 public:
  Pop3Session(Pop3Options options, Steady::time_point now);
  ~Pop3Session() override;

  void feed(std::string_view bytes, Steady::time_point now) override;
  bool wants_input() const override;
  std::string take_output(Steady::time_point now) override;
  // What the client sent behind STLS before it was answered is thrown away.
  bool wants_tls() const override { return wants_tls_; }
  void tls_started(std::vector<sasl::ChannelBinding> bindings, Steady::time_point now) override;
  Deadline deadline() const override;
  void shut_down(std::string_view why) override;
  // What was marked is removed by then, if QUIT said so.
  bool over() const override { return state_ == pop3::State::Closed; }

 private:
  bool has(std::string_view extension) const;
  bool may_say_password() const { return encrypted_ || options_.plain_allowed; }
  void line(std::string_view text);
  void say(bool ok, std::string_view code, std::string_view text);
  void end_session(std::string_view code, std::string_view text);

  bool next_line(std::string& line);
  void carry_out(std::string_view text, Steady::time_point now);
  void capa();
  void stls(Steady::time_point now);
  void user(std::string_view argument);
  void pass(std::string_view argument, Steady::time_point now);
  void apop(std::string_view argument, Steady::time_point now);
  void auth(std::string_view argument, Steady::time_point now);
  void go_on(const Login::Answer& answer, Steady::time_point now);
  void give_up(std::string_view why);
  void log_in(const std::string& name, Steady::time_point now);

  std::optional<size_t> message(std::string_view argument);  // its index; answers where there is none
  void stat();
  void list(std::string_view argument, bool uidls);
  std::string listing_line(size_t index, bool uidls) const;
  void retr(std::string_view argument);
  void top(std::string_view argument);
  void dele(std::string_view argument);
  void rset();
  void quit();
  void send_message(size_t index, std::optional<uint64_t> lines);
  bool cut_to_lines(std::string_view& piece);
  void send_piece(std::string_view piece);
  void send_more();

  Pop3Options options_;
  pop3::State state_ = pop3::State::Authorization;
  LineInput input_;
  std::string output_;
  std::string banner_time_;
  bool encrypted_ = false, wants_tls_ = false;
  std::string user_;  // USER's, or of who is logged in
  Login login_;
  uint64_t commands_ = 0, bad_commands_ = 0;
  Steady::time_point patience_ends_;
  std::unique_ptr<Maildrop> drop_;
  std::vector<bool> marked_;
  struct Sending {
    size_t index = 0;
    uint64_t at = 0;
    std::optional<uint64_t> lines{};  // of the body, still to come (TOP)
    bool in_header = true, line_is_empty = true;
    DotStuffer stuffer{};
  };
  std::optional<Sending> sending_;
  struct Listing {
    bool uidls = false;
    size_t next = 0;
  };
  std::optional<Listing> listing_;
};

}  // namespace libsync::server

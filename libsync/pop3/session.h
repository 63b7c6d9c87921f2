// The client's side of a POP3 session, without I/O (RFC 1939): bytes and the time in; events, bytes to
// send and the next deadline out. Which command may be sent where is command.h's table.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "libsync/base/clock.h"
#include "libsync/base/result.h"
#include "libsync/base/trace.h"
#include "libsync/pop3/command.h"
#include "libsync/pop3/grammar.h"
#include "libsync/pop3/unstuffer.h"

namespace libsync::pop3 {

struct Timeouts {
  std::chrono::seconds greeting{60};  // some servers look names up before they speak
  std::chrono::seconds reply{120};    // for a whole status line; logins are delayed on purpose after failures
  std::chrono::seconds idle{120};     // within a listing or message, for as much as kLeastRate makes of it
};

// Octets per second below which a listing or message is given up: a server that sends one octet now and
// then would hold the maildrop, and the account, for ever. The slowest modem brings fifteen times as much.
inline constexpr uint64_t kLeastRate = 64;

// Each refused with Errc::Limit, which ends the session.
struct Limits {
  // RFC 2449, section 4: 512 octets; UIDLs and texts of real servers stay below 1,000.
  size_t line = 8 * 1024;
  // SASL challenges (RFC 4422 sets none): sasl::kMaxChallenge in base64.
  size_t challenge_line = 24 * 1024;
  uint64_t listing_lines = 4'000'000;           // four times the largest maildrop planned for
  uint64_t listing_octets = 256 * 1024 * 1024;  // of one listing
  uint64_t message_octets = 4ULL << 30;         // no mail server accepts mail of this size
};

// Views are valid during the call only.
struct Event {
  enum class Kind {
    Greeting,   // status
    Reply,      // status of the command `verb` (`number`); the last of it, unless a body follows
    Line,       // text: a line of a listing, without its end
    Text,       // text: a piece of a message
    End,        // of a listing; of a message once the answer behind it shows that it is over
    Challenge,  // text: AUTH's challenge as it came, in base64; answer() it
  };
  Kind kind;
  Verb verb = Verb::Noop;
  uint64_t number = 0;
  bool body_follows = false;           // Reply
  const StatusLine* status = nullptr;  // Greeting, Reply
  std::string_view text{};
};

class Events {
 public:
  virtual ~Events() = default;
  // A status that is not OK makes feed() return it; the session is over then.
  virtual Status event(const Event& event) = 0;
};

// One thread at a time. After an error the session is in State::Closed and gives that error again.
//
// The lone dot that ends a message is believed when the answer to the next command comes behind it: send
// one (NOOP) to hear the End of the last. A server that does not stuff dots sends text there; where LIST
// announced more octets than came, the dot was text and the message goes on, else nothing is reported.
class Session {
 public:
  struct Options {
    std::string host{};  // for messages
    Trace* trace = nullptr;
    Timeouts timeouts{};
    Limits limits{};
  };
  Session(Options options, Steady::time_point now);

  // Whether send() would take it now: the state allows it, and what is in flight lets it follow.
  bool can_send(Verb verb) const;

  // The last line of the login is in the output (and no challenge can come any more): where the server pipelines,
  // what needs the login may go behind it. If the login is refused, so is that.
  // `challenges`: so many come still, and are answered already (SCRAM's last one).
  void login_is_said(size_t challenges = 0) {
    login_said_ = login_is_last();
    challenges_to_come_ = challenges;
  }

  // Puts the command into the output. Errc::Internal if !can_send(), Errc::Usage for CR, LF or NUL in
  // an argument; both change nothing.
  Status send(const Command& command, Steady::time_point now);
  // AUTH's response to a challenge, in raw octets; or gives the exchange up ("*"; -ERR follows).
  void answer(const Secret& response, Steady::time_point now);
  void cancel_auth(Steady::time_point now);

  // What must go out; hands each byte out once. May hold secrets.
  std::string take_output();

  // Takes all of `bytes`, in any pieces. Errors: Errc::Protocol (another protocol's greeting, no status
  // line, bytes that answer no command, bytes behind the +OK to STLS), Errc::Limit, Errc::Refused (the
  // greeting was -ERR), or what the handler returned.
  Status feed(std::string_view bytes, Steady::time_point now, Events& events);

  // The connection ended, in whatever way: a message of which all announced octets and the dot have come is over
  // without the next answer. What the handler returned.
  Status connection_ended(Events& events);
  // The peer closed the connection: OK after an acknowledged QUIT, else Errc::Network. After connection_ended().
  Status peer_closed();

  // When to give up waiting; nothing if no answer is due.
  std::optional<Deadline> deadline() const;

  // TLS runs from here on: what was learnt before is forgotten (RFC 2595, section 4).
  void tls_started();

  State state() const { return state_; }
  bool idle() const { return in_flight_.empty() && state_ != State::Greeting; }
  // RETR or TOP was sent and no RSET behind it: some servers note down what was read.
  bool has_read() const { return has_read_; }
  // A DELE was sent, which a RSET would take back.
  bool has_marked() const { return has_marked_; }
  // A message's dot came, and its End waits for what follows.
  bool holds_end() const { return held_.has_value(); }
  size_t in_flight() const { return in_flight_.size(); }
  Quirks& quirks() { return quirks_; }
  const Quirks& quirks() const { return quirks_; }
  const Capabilities& capabilities() const { return capabilities_; }  // of the last whole answer to CAPA
  // APOP's time stamp; empty if there is none or TLS has started since.
  const std::string& timestamp() const { return timestamp_; }

 private:
  struct Pending {
    Verb verb;
    uint64_t number, announced;
    Body body;                      // if the answer is +OK
    std::optional<Secret> initial;  // AUTH: sent with the first challenge instead
  };
  enum class Reading { Status, Lines, Message };

  Status run(std::string_view bytes, Steady::time_point now, Events& events);
  bool login_is_last() const;  // in flight, and its answer is all that can come of it
  bool may_follow(const Rule& row) const;
  Result<bool> take_line(std::string_view& bytes);  // true: line_ is whole
  size_t line_limit() const;
  Status on_line(Steady::time_point now, Events& events);
  Status on_greeting(Events& events);
  Status on_reply(Steady::time_point now, Events& events);
  Status on_challenge(Steady::time_point now, Events& events);
  Status on_ok(const Pending& pending, const StatusLine& status);
  Status on_listing_line(Steady::time_point now, Events& events);
  Status on_text(std::string_view& bytes, Steady::time_point now, Events& events);
  void next_command(Steady::time_point now);
  Status on_message_end(Steady::time_point now);
  Status judge_end(std::string_view& bytes, Steady::time_point now, Events& events);
  Status end_message(Events& events);
  Status resume_message(Events& events);
  void wait_from(Steady::time_point now);
  Event event(Event::Kind kind) const;
  void trace(TraceKind kind, std::string_view text) const {
    if (options_.trace != nullptr) options_.trace->line(kind, text);
  }
  std::unexpected<Error> protocol_error(std::string what) const;

  Options options_;
  State state_ = State::Greeting;
  Reading reading_ = Reading::Status;
  Capabilities capabilities_, coming_;
  Quirks quirks_, told_quirks_;
  std::string timestamp_;
  std::deque<Pending> in_flight_;
  std::string output_;
  std::string line_;        // the line being read, without its end once whole
  bool line_lf_ = false;    // it ended with LF alone
  bool stls_done_ = false;  // +OK to STLS came: nothing may follow before TLS
  bool has_read_ = false;
  bool has_marked_ = false;
  bool cancelled_ = false;  // AUTH was given up: only its end may come
  bool login_said_ = false;
  size_t challenges_to_come_ = 0;  // behind that, of AUTH
  Unstuffer unstuffer_;
  std::optional<Pending> held_;  // a message whose dot came, and not yet what follows
  bool resumed_ = false;         // that message had a dot that was text
  std::string ahead_;            // the first octets behind the dot, too few to tell
  uint64_t lines_ = 0, listing_octets_ = 0;
  Steady::time_point since_;   // when the current wait began
  uint64_t octets_since_ = 0;  // of a listing or message
  std::optional<Error> failed_;
};

}  // namespace libsync::pop3

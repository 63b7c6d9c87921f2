// A client's session (RFC 9051, section 3): commands out, events in, no I/O. Bytes from the server go into
// receive(), bytes for it come from take_output().
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "libsync/base/result.h"
#include "libsync/base/trace.h"
#include "libsync/imap/capability.h"
#include "libsync/imap/command.h"
#include "libsync/imap/framer.h"
#include "libsync/imap/handler.h"
#include "libsync/imap/response.h"

namespace libsync::imap {

enum class State : uint8_t { Greeting, NotAuthenticated, Authenticated, Selected, Logout };
std::string_view name(State state);

// One thread. Handler and trace must outlive it. Handler calls come from inside receive(); they may call
// submit() and respond(), not receive().
class Session final : private FrameSink {
 public:
  explicit Session(Handler& handler, Trace* trace = nullptr, const Limits& limits = {});
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Another one takes over; it must outlive the session or the next call of this.
  void set_handler(Handler& handler) { handler_ = &handler; }

  // Queues a command; it goes out when those before it allow. Refused with Errc::Internal when the command
  // does not belong into the state that the commands before it lead to.
  Result<CommandId> submit(Command command);
  // The last line of the login is in the output, and no challenge can come any more: what needs the login may be
  // submitted now, and goes out behind it. If the login is refused, so is that. False: a part of it still waits.
  // `challenges`: so many come still, and are answered already (SCRAM's last one).
  bool login_is_said(size_t challenges = 0);
  // Answers a challenge of AUTHENTICATE; base64 is done here.
  void respond(const Secret& response);
  void cancel_authentication();  // "*"
  void done_idling();            // DONE

  // What is to be sent now; empties it.
  std::string take_output();
  // Puts the next stretch of a literal that is made while it goes out into the output, to be taken and sent before
  // the next call and before the next receive(). False: there is none. Errors, behind which the connection is of no
  // use: what the source says, Errc::Internal for more or fewer octets than were announced.
  Result<bool> stream();

  // Takes bytes in any pieces. Errors (the connection is then of no use): Errc::Limit; Errc::Protocol for a
  // tag that was never sent, a continuation nobody asked for, another protocol's greeting, bytes that can't be
  // framed.
  Status receive(std::string_view bytes);

  // Behind the OK to STARTTLS or COMPRESS reading stops: these bytes came behind it.
  size_t surplus() const { return surplus_.size(); }
  std::string take_surplus() { return std::move(surplus_); }
  // TLS runs: what was learnt before is forgotten.
  void tls_started();
  // The stream is compressed from here on: reading goes on.
  void deflate_started();

  State state() const { return state_; }
  const Capabilities& capabilities() const { return capabilities_; }
  uint64_t responses() const { return responses_; }                   // whole ones received
  bool mid_response() const { return !framer_.idle(); }               // a part of one was received
  size_t in_flight() const { return sent_.size() + queued_.size(); }  // commands not completed
  bool has_unsent() const { return !queued_.empty(); }
  bool saw_bye() const { return !bye_.empty(); }
  const std::string& bye() const { return bye_; }  // printable
  const Quirks& quirks() const { return quirks_; }
  void note(Quirk quirk);                          // met by the session's user
  bool utf8_names() const { return utf8_names_; }  // UTF8=ACCEPT is enabled, or IMAP4rev2
  void set_utf8_names(bool on) { utf8_names_ = on; }

 private:
  struct Pending {
    CommandId id = 0;
    Command command{};
    size_t piece = 0;              // the next to send
    bool literal_granted = false;  // the server's + for that piece has come
    bool waits() const { return piece < command.pieces.size(); }
  };

  void frame(const Frame& frame) override;
  void literal_begin(std::string_view prefix, std::span<const Literal> literals) override;
  void literal_data(std::string_view bytes) override;
  void literal_end() override;

  Status check_state(CommandKind kind) const;
  void send_queued();
  bool send_pieces(Pending& pending);
  bool can_send_freely(size_t literal) const;
  void trace_command(const Pending& pending);
  void trace_frame(const Frame& frame);

  void hear(const Frame& frame);
  void greet(const Frame& frame);
  void continuation(std::string_view text);
  void tagged(const Frame& frame);
  void untagged(const Frame& frame);
  void completed(const Pending& pending, const StatusLine& line);
  void break_off(Errc code, std::string what, std::string_view server = {});

  Handler* handler_;
  Trace* trace_;
  Limits limits_;
  Quirks quirks_, told_quirks_;
  Framer framer_{limits_, quirks_};
  Scratch scratch_;
  State state_ = State::Greeting;
  Capabilities capabilities_;
  bool capabilities_are_new_ = false;  // came while a login was under way
  bool login_said_ = false;
  size_t challenges_to_come_ = 0;  // behind that, of AUTHENTICATE
  bool utf8_names_ = false;
  CommandId last_id_ = 0;
  std::deque<Pending> queued_, sent_;
  std::string output_;
  std::string surplus_;
  std::string bye_;
  uint64_t untagged_ = 0, responses_ = 0;
  Status broken_;
  bool stopped_ = false;    // behind STARTTLS or COMPRESS
  bool streaming_ = false;  // the last command's literal is being made
  uint64_t stream_left_ = 0;
};

}  // namespace libsync::imap

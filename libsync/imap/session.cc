#include "libsync/imap/session.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "libsync/base/base64.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::imap {
namespace {

// In which states a command may be sent (RFC 9051, section 6): one bit for each State.
constexpr unsigned bit(State state) { return 1U << static_cast<unsigned>(state); }
constexpr unsigned kAny = bit(State::NotAuthenticated) | bit(State::Authenticated) | bit(State::Selected);
constexpr unsigned kIn = bit(State::Authenticated) | bit(State::Selected);

unsigned allowed_states(CommandKind kind) {
  switch (kind) {
    case CommandKind::Capability:
    case CommandKind::Id:
    case CommandKind::Noop:
    case CommandKind::Logout:
      return kAny;
    case CommandKind::StartTls:
    case CommandKind::Login:
    case CommandKind::Authenticate:
      return bit(State::NotAuthenticated);
    default:
      return kIn;
  }
}

bool is_login(CommandKind kind) { return kind == CommandKind::Login || kind == CommandKind::Authenticate; }

}  // namespace

std::string_view name(State state) {
  switch (state) {
    case State::Greeting:
      return "greeting";
    case State::NotAuthenticated:
      return "not authenticated";
    case State::Authenticated:
      return "authenticated";
    case State::Selected:
      return "selected";
    case State::Logout:
      return "logout";
  }
  return "";
}

Session::Session(Handler& handler, Trace* trace, const Limits& limits)
    : handler_(&handler), trace_(trace), limits_(limits) {}

void Session::break_off(Errc code, std::string what, std::string_view server) {
  if (!broken_) return;
  broken_ = std::unexpected(Error{.code = code, .what = std::move(what), .server = printable(server)});
  framer_.pause();
}

// Sending

Status Session::check_state(CommandKind kind) const {
  // Commands for the selected mailbox may be queued behind the SELECT that is still out: the server
  // then says BAD to them if it fails.
  const State state = login_said_ ? State::Authenticated : state_;
  if (state == State::Greeting || (allowed_states(kind) & bit(state)) == 0) {
    return fail(Errc::Internal, fmt::format("a command does not belong into the state \"{}\"", name(state)));
  }
  return {};
}

bool Session::login_is_said(size_t challenges) {
  login_said_ = queued_.empty() && sent_.size() == 1 && !sent_.back().waits() && is_login(sent_.back().command.kind);
  if (login_said_) {
    sent_.back().command.exclusive = false;
    challenges_to_come_ = challenges;
  }
  return login_said_;
}

Result<CommandId> Session::submit(Command command) {
  if (!broken_) return std::unexpected(broken_.error());
  TB_TRY(check_state(command.kind));
  command.pieces.push_back({.text = "\r\n"});
  queued_.push_back({.id = ++last_id_, .command = std::move(command)});
  send_queued();
  return last_id_;
}

void Session::send_queued() {
  while (!queued_.empty() && !stopped_) {
    // Behind a command that changes how bytes are read, or that waits for a "+", nothing may follow.
    if (!sent_.empty() && (sent_.back().waits() || sent_.back().command.exclusive)) return;
    // And one that does so waits until all others are answered; but for COMPRESS, whose OK may come behind
    // other answers as it may come alone: it costs no round trip then.
    const Command& next = queued_.front().command;
    if (next.exclusive && next.kind != CommandKind::Compress && !sent_.empty()) return;
    sent_.push_back(std::move(queued_.front()));
    queued_.pop_front();
    trace_command(sent_.back());
    capabilities_are_new_ = false;
    output_ += tag_of(sent_.back().id);
    output_ += ' ';
    send_pieces(sent_.back());
  }
}

bool Session::can_send_freely(size_t literal) const {
  return capabilities_.has("LITERAL+") ||
         ((capabilities_.has("LITERAL-") || capabilities_.has("IMAP4REV2")) && literal <= kLiteralMinus);
}

// False: waits for a "+", or for stream().
bool Session::send_pieces(Pending& pending) {
  for (; pending.waits(); ++pending.piece) {
    const Piece& piece = pending.command.pieces[pending.piece];
    if (piece.literal && !pending.literal_granted) {
      const bool freely = can_send_freely(piece.octets());
      output_ += fmt::format("{}{{{}{}}}\r\n", piece.binary ? "~" : "", piece.octets(), freely ? "+" : "");
      if (!freely) return false;
    }
    pending.literal_granted = false;
    if (piece.source != nullptr) {
      streaming_ = true;
      stream_left_ = piece.size;
      return false;
    }
    output_ += piece.text;
  }
  return true;
}

Result<bool> Session::stream() {
  if (!broken_) return std::unexpected(broken_.error());
  if (!streaming_) return false;
  Pending& pending = sent_.back();
  Piece& piece = pending.command.pieces[pending.piece];
  if (stream_left_ > 0) {
    const auto octets = piece.source->next();
    if (!octets) {
      broken_ = std::unexpected(octets.error());
    } else if (octets->empty() || octets->size() > stream_left_) {
      break_off(Errc::Internal, say("a message changed its size while it was sent"));
    }
    if (!broken_) return std::unexpected(broken_.error());
    output_ += *octets;
    stream_left_ -= octets->size();
    if (stream_left_ > 0) return true;
  }
  streaming_ = false;
  piece.source.reset();
  ++pending.piece;
  send_pieces(pending);
  send_queued();
  return true;
}

std::string Session::take_output() { return std::exchange(output_, {}); }

void Session::trace_command(const Pending& pending) {
  if (trace_ == nullptr) return;
  std::string line = tag_of(pending.id) + " ";
  for (const Piece& piece : pending.command.pieces) {
    if (piece.secret) {
      line += "***";
    } else if (piece.literal) {
      line += say("({} octets)", with_separators(piece.octets()));
    } else if (piece.text != "\r\n") {
      line += piece.text;
    }
  }
  trace_->line(TraceKind::Client, line);
}

void Session::respond(const Secret& response) {
  output_ += base64_encode(response.reveal());
  output_ += "\r\n";
  if (trace_ != nullptr) trace_->line(TraceKind::Client, "***");
}

void Session::cancel_authentication() {
  output_ += "*\r\n";
  if (trace_ != nullptr) trace_->line(TraceKind::Client, "*");
}

void Session::done_idling() {
  output_ += "DONE\r\n";
  if (trace_ != nullptr) trace_->line(TraceKind::Client, "DONE");
}

// Receiving

Status Session::receive(std::string_view bytes) {
  if (!broken_) return broken_;
  if (stopped_) {
    surplus_.append(bytes);
    return {};
  }
  const auto consumed = framer_.feed(bytes, *this);
  if (!consumed && broken_) broken_ = std::unexpected(consumed.error());
  if (!broken_) return broken_;
  surplus_.append(bytes.substr(*consumed));  // behind STARTTLS and COMPRESS only
  return {};
}

void Session::tls_started() {
  stopped_ = false;
  capabilities_.clear();
  surplus_.clear();
  send_queued();
}

void Session::deflate_started() {
  stopped_ = false;
  send_queued();
}

void Session::literal_begin(std::string_view prefix, std::span<const Literal> literals) {
  // A long prefix is not read for its UID, nor one with more literals than envelopes have: it is read again for each.
  constexpr size_t kMaxPrefix = size_t{64} << 10;
  constexpr size_t kMaxLiterals = 32;
  if (state_ != State::Authenticated && state_ != State::Selected) return;
  FetchData& data = scratch_.fetch;
  data.clear();
  BodyStart start{.size = literals.back().size};
  Parser in({.text = prefix, .literals = literals}, quirks_);
  in.seek(2);
  start.number = in.expect_number32().value_or(0);
  const bool is_short = prefix.size() <= kMaxPrefix && literals.size() <= kMaxLiterals;
  if (is_short && in.space() && iequals(in.atom(), "FETCH") && parse_fetch(in, data, true)) {
    start.uid = data.uid.value_or(0);
    if (!data.bodies.empty()) start.section = data.bodies.back().section;
  }
  handler_->on_body_begin(start);
}

void Session::literal_data(std::string_view bytes) {
  if (state_ == State::Authenticated || state_ == State::Selected) handler_->on_body_data(bytes);
}

void Session::literal_end() {
  if (state_ == State::Authenticated || state_ == State::Selected) handler_->on_body_end();
}

void Session::trace_frame(const Frame& frame) {
  if (trace_ == nullptr) return;
  std::string line;
  size_t at = 0;
  for (const Literal& literal : frame.literals) {
    line += trim(frame.text.substr(at, literal.at - at));
    line += say(" ({} octets)", with_separators(literal.size));
    at = literal.at + static_cast<size_t>(literal.streamed ? 0 : literal.size);
  }
  line += frame.text.substr(at);
  trace_->line(TraceKind::Server, line);
}

void Session::frame(const Frame& frame) {
  // What follows a defect in the same bytes is not looked at.
  if (!broken_) return;
  ++responses_;
  const bool challenge = !sent_.empty() && sent_.front().command.kind == CommandKind::Authenticate &&
                         frame.text.starts_with("+ ") && frame.text.size() > 2;
  if (challenge && trace_ != nullptr) {
    trace_->line(TraceKind::Server, "+ ***");
  } else {
    trace_frame(frame);
  }
  hear(frame);
  trace_quirks(quirks_, told_quirks_, kQuirks, trace_);
}

void Session::note(Quirk quirk) {
  quirks_.note(quirk);
  trace_quirks(quirks_, told_quirks_, kQuirks, trace_);
}

void Session::hear(const Frame& frame) {
  if (state_ == State::Greeting) return greet(frame);
  if (frame.text.starts_with('+')) return continuation(frame.text.substr(1));
  if (frame.text.starts_with('*')) return untagged(frame);
  tagged(frame);
}

void Session::greet(const Frame& frame) {
  const std::string_view text = frame.text;
  if (!text.starts_with("* ")) {
    const char* speaks = text.starts_with("+OK") || text.starts_with("-ERR")  ? "POP3"
                         : text.starts_with("220") || text.starts_with("554") ? "SMTP"
                         : text.starts_with("HTTP/")                          ? "HTTP"
                         : text.starts_with("SSH-")                           ? "SSH"
                                                                              : nullptr;
    break_off(Errc::Protocol,
              speaks != nullptr ? say("the server speaks {}, not IMAP", speaks) : say("the server does not speak IMAP"),
              text);
    const bool pop3 = speaks != nullptr && std::string_view(speaks) == "POP3";
    broken_.error().hint = pop3 ? say("write the account's remote with pop3s:// or pop3+starttls://")
                                : say("check the port in the account's remote; IMAP is at 993 and 143");
    return;
  }
  Parser in(frame, quirks_);
  in.seek(2);
  StatusLine line;
  if (!parse_status_line(in, line) || line.condition == Condition::No || line.condition == Condition::Bad) {
    return break_off(Errc::Protocol, say("the server's greeting is not IMAP's"), text);
  }
  if (line.code == Code::Capability) {
    for (const std::string_view each : line.words) capabilities_.add(each, quirks_);
  }
  if (line.condition == Condition::Bye) {
    bye_ = printable(line.text);
    state_ = State::Logout;
  } else {
    state_ = line.condition == Condition::Preauth ? State::Authenticated : State::NotAuthenticated;
    if (state_ == State::Authenticated) framer_.logged_in();
  }
  handler_->on_greeting(line);
}

void Session::continuation(std::string_view text) {
  if (sent_.empty()) return break_off(Errc::Protocol, say("the server asks for more where nothing was begun"), text);
  // A "+" is for the last command: nothing is sent behind one that waits for it.
  Pending& pending = sent_.back();
  if (pending.waits() && !streaming_) {
    pending.literal_granted = true;
    send_pieces(pending);
    send_queued();
    return;
  }
  if (login_said_) {
    if (challenges_to_come_ == 0 || sent_.front().command.kind != CommandKind::Authenticate) {
      return break_off(Errc::Protocol, say("the server goes on with a login that is over"), text);
    }
    --challenges_to_come_;
    return handler_->on_challenge(trim(text));
  }
  if (pending.command.kind == CommandKind::Authenticate) return handler_->on_challenge(trim(text));
  if (pending.command.kind == CommandKind::Idle) return handler_->on_idling();
  break_off(Errc::Protocol, say("the server asks for more where nothing was begun"), text);
}

void Session::untagged(const Frame& frame) {
  const bool in = state_ == State::Authenticated || state_ == State::Selected;
  if (++untagged_ > (in ? limits_.untagged : limits_.untagged_before_login)) {
    return break_off(Errc::Limit, say("the server sends more than {} responses nobody asked for",
                                      with_separators(in ? limits_.untagged : limits_.untagged_before_login)));
  }
  if (istarts_with(frame.text, "* BYE")) {
    Parser parser(frame, quirks_);
    parser.seek(2);
    StatusLine line;
    if (parse_status_line(parser, line)) bye_ = line.text.empty() ? "BYE" : printable(line.text);
  }
  if (istarts_with(frame.text, "* CAPABILITY ") || istarts_with(frame.text, "* OK [CAPABILITY ")) {
    capabilities_are_new_ = true;
  }
  dispatch_untagged(frame, in, capabilities_, scratch_, quirks_, *handler_);
}

void Session::tagged(const Frame& frame) {
  Parser in(frame, quirks_);
  const std::string_view tag = in.atom();
  const auto id = id_of(tag);
  const auto found = std::ranges::find_if(sent_, [&](const Pending& each) { return id && each.id == *id; });
  if (found == sent_.end()) {
    // "BAD" for a line that the server could not even find a tag in comes as "* BAD"; this is none.
    return break_off(Errc::Protocol, say("the server answers a command that was never sent"), frame.text);
  }
  StatusLine line;
  if (!in.expect_space() || !parse_status_line(in, line) || line.condition == Condition::Bye ||
      line.condition == Condition::Preauth) {
    return break_off(Errc::Protocol, say("the server's answer is neither OK, NO nor BAD"), frame.text);
  }
  if (login_said_ && !is_login(found->command.kind)) {
    return break_off(Errc::Protocol, say("the server answers what came behind a login before the login"), frame.text);
  }
  untagged_ = 0;
  const Pending pending = std::move(*found);
  sent_.erase(found);
  if (pending.waits() && (line.condition == Condition::Ok || std::exchange(streaming_, false))) {
    return break_off(Errc::Protocol, say("the server says OK to a command that it has not read"), frame.text);
  }
  completed(pending, line);
}

void Session::completed(const Pending& pending, const StatusLine& line) {
  const bool ok = line.condition == Condition::Ok;
  switch (pending.command.kind) {
    case CommandKind::Login:
    case CommandKind::Authenticate:
      login_said_ = false;
      if (!ok) break;
      // What was said before login is not believed after it; the OK, or a line before it (Gmail), may bring
      // it anew.
      if (!capabilities_are_new_) capabilities_.clear();
      state_ = State::Authenticated;
      framer_.logged_in();
      break;
    case CommandKind::Select:
    case CommandKind::Examine:
      state_ = ok ? State::Selected : State::Authenticated;
      break;
    case CommandKind::Unselect:
    case CommandKind::Close:
      if (ok) state_ = State::Authenticated;
      break;
    case CommandKind::Logout:
      state_ = State::Logout;
      break;
    case CommandKind::StartTls:
    case CommandKind::Compress:
      if (!ok) break;
      stopped_ = true;
      framer_.pause();
      break;
    default:
      break;
  }
  if (line.code == Code::Capability) {
    capabilities_.clear();
    for (const std::string_view each : line.words) capabilities_.add(each, quirks_);
  }
  handler_->on_done({.id = pending.id, .kind = pending.command.kind, .line = line});
  send_queued();
}

}  // namespace libsync::imap

#include "libsync/pop3/session.h"

#include <algorithm>
#include <utility>

#include "libsync/base/base64.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::pop3 {

Session::Session(Options options, Steady::time_point now) : options_(std::move(options)), since_(now) {}

std::unexpected<Error> Session::protocol_error(std::string what) const {
  return fail(Errc::Protocol, say("{}: {}", options_.host, what));
}

bool Session::can_send(Verb verb) const {
  const Rule& row = rule(verb);
  const State state = login_said_ ? State::Transaction : state_;
  const bool allowed =
      (state == State::Authorization && row.in_authorization) || (state == State::Transaction && row.in_transaction);
  if (failed_ || stls_done_ || !allowed) return false;
  // Without PIPELINING the server may throw away what comes before its answer is out.
  return in_flight_.empty() || (capabilities_.pipelining && may_follow(row));
}

bool Session::may_follow(const Rule& row) const {
  const Verb last = in_flight_.back().verb;
  if (row.verb == Verb::Pass) return last == Verb::User;
  return row.pipelined && (rule(last).pipelined || (login_said_ && login_is_last()));
}

bool Session::login_is_last() const {
  if (in_flight_.empty()) return false;
  const Pending& last = in_flight_.back();
  return rule(last.verb).on_ok == State::Transaction && !last.initial;
}

Status Session::send(const Command& command, Steady::time_point now) {
  if (failed_) return fail(*failed_);
  const Rule& row = rule(command.verb);
  if (!can_send(command.verb)) return fail(Errc::Internal, say("{}: {} sent out of turn", options_.host, row.word));
  TB_ASSIGN(const Secret line, to_line(command));
  trace(TraceKind::Client, to_trace(command));
  output_ += line.reveal();
  const bool argument = !command.argument.empty();
  Pending pending{.verb = command.verb,
                  .number = command.number,
                  .announced = command.announced,
                  .body = argument ? row.body_with_argument : row.body,
                  .initial = std::nullopt};
  const size_t bare = row.word.size() + 1 + command.argument.size() + 2;
  if (command.has_initial && line.reveal().size() == bare) pending.initial = command.secret;
  if (in_flight_.empty()) wait_from(now);
  if (command.verb == Verb::Auth) cancelled_ = false;
  has_read_ = (has_read_ || row.body == Body::Message) && command.verb != Verb::Rset;
  has_marked_ = has_marked_ || command.verb == Verb::Dele;
  in_flight_.push_back(std::move(pending));
  return {};
}

void Session::answer(const Secret& response, Steady::time_point now) {
  trace(TraceKind::Client, "***");
  output_ += base64_encode(response.reveal()) + "\r\n";
  wait_from(now);
}

void Session::cancel_auth(Steady::time_point now) {
  trace(TraceKind::Client, "*");
  output_ += "*\r\n";
  cancelled_ = true;
  wait_from(now);
}

std::string Session::take_output() { return std::exchange(output_, {}); }

Status Session::feed(std::string_view bytes, Steady::time_point now, Events& events) {
  if (failed_) return fail(*failed_);
  auto status = run(bytes, now, events);
  trace_quirks(quirks_, told_quirks_, kQuirks, options_.trace);
  if (!status) {
    failed_ = status.error();
    state_ = State::Closed;
  }
  return status;
}

Status Session::run(std::string_view bytes, Steady::time_point now, Events& events) {
  octets_since_ += bytes.size();
  while (!bytes.empty()) {
    if (stls_done_) return protocol_error(say("bytes behind the answer to STLS, before TLS: somebody is tampering"));
    if (reading_ == Reading::Message) {
      TB_TRY(on_text(bytes, now, events));
      continue;
    }
    if (held_) {
      TB_TRY(judge_end(bytes, now, events));
      continue;
    }
    if (state_ == State::Update || state_ == State::Closed) return {};  // whatever comes behind QUIT's answer
    if (state_ != State::Greeting && in_flight_.empty())
      return protocol_error(say("the server speaks without being asked: \"{}\"", printable(bytes, 80)));
    TB_ASSIGN(const bool whole, take_line(bytes));
    if (!whole) break;
    TB_TRY(on_line(now, events));
    line_.clear();
  }
  const bool enough = octets_since_ >= kLeastRate * static_cast<uint64_t>(options_.timeouts.idle.count());
  if (reading_ != Reading::Status && enough) wait_from(now);
  return {};
}

size_t Session::line_limit() const {
  const bool challenge = !in_flight_.empty() && in_flight_.front().verb == Verb::Auth;
  return challenge ? options_.limits.challenge_line : options_.limits.line;
}

Result<bool> Session::take_line(std::string_view& bytes) {
  const size_t lf = bytes.find('\n');
  const size_t size = std::min(lf, bytes.size());
  if (line_.size() + size > line_limit()) {
    if (state_ == State::Greeting)
      return protocol_error(say("this is not a POP3 server: it greets without a line end"));
    return fail(Errc::Limit,
                say("{}: a line of more than {} octets in a reply", options_.host, with_separators(line_limit())));
  }
  line_ += bytes.substr(0, size);
  bytes.remove_prefix(lf == bytes.npos ? size : size + 1);
  if (lf == bytes.npos) return false;
  line_lf_ = !line_.ends_with('\r');
  if (!line_lf_) line_.pop_back();
  if (line_lf_) quirks_.note(Quirk::LfOnly);
  return true;
}

Status Session::on_line(Steady::time_point now, Events& events) {
  if (state_ == State::Greeting) return on_greeting(events);
  if (reading_ == Reading::Lines) return on_listing_line(now, events);
  return on_reply(now, events);
}

Status Session::on_greeting(Events& events) {
  trace(TraceKind::Server, line_);
  const auto status = parse_status(line_);
  if (!status) {
    const std::string_view other = other_protocol(line_);
    if (other.empty())
      return protocol_error(say("this is not a POP3 server: it greets with \"{}\"", printable(line_, 80)));
    Error error{.code = Errc::Protocol, .what = say("{}: the server speaks {}, not POP3", options_.host, other)};
    error.hint = other == "IMAP" ? say("write the account's remote with imaps:// or imap+starttls://")
                                 : say("check the port in the account's remote; POP3 is at 995 and 110");
    return fail(std::move(error));
  }
  if (!status->ok) {
    Error error = refusal(say("{} refuses connections", options_.host), *status, capabilities_, Errc::Refused);
    error.retry = status->code != "SYS/PERM";
    return fail(std::move(error));
  }
  timestamp_ = find_timestamp(line_);
  state_ = State::Authorization;
  Event greeting{.kind = Event::Kind::Greeting};
  greeting.status = &*status;
  return events.event(greeting);
}

Event Session::event(Event::Kind kind) const {
  const Pending& pending = in_flight_.front();
  return {.kind = kind, .verb = pending.verb, .number = pending.number};
}

Status Session::on_reply(Steady::time_point now, Events& events) {
  Pending& pending = in_flight_.front();
  if (pending.verb == Verb::Auth && line_.starts_with('+') && (line_.size() == 1 || line_[1] == ' '))
    return on_challenge(now, events);
  trace(TraceKind::Server, line_);
  const auto status = parse_status(line_);
  if (!status) {
    return protocol_error(
        say("an answer to {} that is neither +OK nor -ERR: \"{}\"", rule(pending.verb).word, printable(line_, 80)));
  }
  if (status->text.empty() && status->code.empty()) quirks_.note(Quirk::MissingText);
  Event reply = event(Event::Kind::Reply);
  reply.status = &*status;
  reply.body_follows = status->ok && pending.body != Body::None;
  if (status->ok) TB_TRY(on_ok(pending, *status));
  if (reply.body_follows) wait_from(now);
  if (!reply.body_follows) next_command(now);
  return events.event(reply);
}

Status Session::on_ok(const Pending& pending, const StatusLine&) {
  const Rule& row = rule(pending.verb);
  if (pending.verb == Verb::Capa) {
    coming_ = Capabilities();
    coming_.known = true;
  }
  if (pending.verb == Verb::Stls) stls_done_ = true;
  if (pending.verb == Verb::Quit)
    state_ = state_ == State::Transaction ? State::Update : State::Closed;
  else if (row.on_ok != State::Greeting)
    state_ = row.on_ok;
  lines_ = listing_octets_ = 0;
  if (pending.body == Body::Lines) reading_ = Reading::Lines;
  if (pending.body == Body::Message) {
    reading_ = Reading::Message;
    unstuffer_.start(line_lf_, pending.announced);
    resumed_ = false;
  }
  return {};
}

Status Session::on_challenge(Steady::time_point now, Events& events) {
  trace(TraceKind::Server, line_.size() > 2 ? "+ ***" : "+");
  if (cancelled_) return protocol_error(say("the server goes on with a login that was given up"));
  if (login_said_ && challenges_to_come_ == 0)
    return protocol_error(say("the server goes on with a login that is over"));
  if (login_said_) --challenges_to_come_;
  Pending& pending = in_flight_.front();
  const std::string_view text = trim(std::string_view(line_).substr(1));
  if (pending.initial && text.empty()) {
    answer(*std::exchange(pending.initial, std::nullopt), now);
    return {};
  }
  Event challenge = event(Event::Kind::Challenge);
  challenge.text = text;
  return events.event(challenge);
}

Status Session::on_listing_line(Steady::time_point now, Events& events) {
  trace(TraceKind::Server, line_);
  if (line_ == ".") {
    reading_ = Reading::Status;
    const Event end = event(Event::Kind::End);
    if (end.verb == Verb::Capa) capabilities_ = std::exchange(coming_, {});
    next_command(now);
    return events.event(end);
  }
  listing_octets_ += line_.size();
  if (++lines_ > options_.limits.listing_lines || listing_octets_ > options_.limits.listing_octets) {
    return fail(Errc::Limit, say("{}: the answer to {} has more than {} lines or {}", options_.host,
                                 rule(in_flight_.front().verb).word, with_separators(options_.limits.listing_lines),
                                 human_size(options_.limits.listing_octets)));
  }
  std::string_view text = line_;
  if (text.starts_with("..")) text.remove_prefix(1);
  if (in_flight_.front().verb == Verb::Capa) add_capability(coming_, text, quirks_);
  Event line = event(Event::Kind::Line);
  line.text = text;
  return events.event(line);
}

Status Session::on_text(std::string_view& bytes, Steady::time_point now, Events& events) {
  Event piece = event(Event::Kind::Text);
  const auto taken = unstuffer_.feed(bytes, [&](std::string_view text) -> Status {
    if (unstuffer_.octets() > options_.limits.message_octets) {
      return fail(Errc::Limit, say("{}: message {} has more than {}", options_.host, piece.number,
                                   human_size(options_.limits.message_octets)));
    }
    piece.text = text;
    return events.event(piece);
  });
  if (!taken) return fail(taken.error());
  bytes.remove_prefix(*taken);
  return unstuffer_.done() ? on_message_end(now) : Status();
}

Status Session::on_message_end(Steady::time_point now) {
  // A message may have a lone dot in each of its lines: no text is made that nobody reads.
  if (options_.trace != nullptr) {
    trace(TraceKind::Server, "(" + with_separators(unstuffer_.octets()) + " octets)");
    trace(TraceKind::Server, ".");
  }
  reading_ = Reading::Status;
  held_ = std::move(in_flight_.front());
  next_command(now);
  return {};
}

Status Session::judge_end(std::string_view& bytes, Steady::time_point now, Events& events) {
  ahead_ += bytes.front();
  bytes.remove_prefix(1);
  const auto status = begins_status(ahead_);
  if (!status) return {};
  const std::string ahead = std::exchange(ahead_, {});
  if (*status && !in_flight_.empty()) {
    TB_TRY(end_message(events));
  } else if (unstuffer_.fell_short()) {
    TB_TRY(resume_message(events));
  } else {
    return protocol_error(say("what follows message {} is not the next answer: \"{}\"", held_->number,
                              printable(ahead + std::string(bytes.substr(0, 80)), 80)));
  }
  return run(ahead, now, events);
}

Status Session::end_message(Events& events) {
  const Pending over = *std::exchange(held_, std::nullopt);
  if (over.announced != 0 && unstuffer_.octets() != over.announced) quirks_.note(Quirk::WrongSize);
  // Text that was taken for an answer, or an answer taken for text: the count tells.
  if (resumed_ && !unstuffer_.as_announced()) {
    return protocol_error(say("message {} has a lone dot in it and {} octets, not {}: where it ends can't be told",
                              over.number, with_separators(unstuffer_.octets()), with_separators(over.announced)));
  }
  return events.event({.kind = Event::Kind::End, .verb = over.verb, .number = over.number});
}

Status Session::resume_message(Events& events) {
  quirks_.note(Quirk::UnstuffedDot);
  in_flight_.push_front(*std::exchange(held_, std::nullopt));
  reading_ = Reading::Message;
  resumed_ = true;
  return unstuffer_.go_on([&](std::string_view text) {
    Event piece = event(Event::Kind::Text);
    piece.text = text;
    return events.event(piece);
  });
}

void Session::next_command(Steady::time_point now) {
  if (rule(in_flight_.front().verb).on_ok == State::Transaction) login_said_ = false;
  in_flight_.pop_front();
  wait_from(now);
}

void Session::wait_from(Steady::time_point now) {
  since_ = now;
  octets_since_ = 0;
}

Status Session::connection_ended(Events& events) {
  const bool whole = held_ && ahead_.empty() && held_->announced > 0 && unstuffer_.as_announced();
  return whole && !failed_ ? end_message(events) : Status();
}

Status Session::peer_closed() {
  if (failed_) return fail(*failed_);
  if (in_flight_.empty() && (state_ == State::Update || state_ == State::Closed)) return {};
  Error error{.code = Errc::Network, .what = say("{} closed the connection", options_.host), .retry = true};
  if (!in_flight_.empty())
    error.what = say("{} closed the connection in {}", options_.host, rule(in_flight_.front().verb).word);
  failed_ = error;
  state_ = State::Closed;
  return fail(std::move(error));
}

std::optional<Deadline> Session::deadline() const {
  if (failed_) return std::nullopt;
  if (state_ == State::Greeting) return since_ + options_.timeouts.greeting;
  if (in_flight_.empty()) return std::nullopt;
  return since_ + (reading_ == Reading::Status ? options_.timeouts.reply : options_.timeouts.idle);
}

void Session::tls_started() {
  stls_done_ = false;
  capabilities_ = Capabilities();
  timestamp_.clear();
}

}  // namespace libsync::pop3

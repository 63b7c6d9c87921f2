#include "libsync/server/submission_session.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "libsync/base/digest.h"
#include "libsync/base/text.h"
#include "libsync/mime/date.h"
#include "libsync/server/smtp_command.h"

namespace libsync::server {
namespace {

constexpr size_t kMessageIdRandom = 16;  // octets

enum class Verb : uint8_t { Ehlo, Helo, StartTls, Auth, Mail, Rcpt, Data, Rset, Noop, Vrfy, Expn, Help, Quit };

struct Row {
  Verb verb;
  std::string_view word;
  bool needs_hello, needs_login;
  bool has_argument;  // false: one is an error
};

constexpr std::array<Row, 13> kRows = {{
    {Verb::Ehlo, "EHLO", false, false, true},
    {Verb::Helo, "HELO", false, false, true},
    {Verb::StartTls, "STARTTLS", true, false, false},
    {Verb::Auth, "AUTH", true, false, true},
    {Verb::Mail, "MAIL", true, true, true},
    {Verb::Rcpt, "RCPT", true, true, true},
    {Verb::Data, "DATA", true, true, false},
    {Verb::Rset, "RSET", false, false, false},
    {Verb::Noop, "NOOP", false, false, true},
    {Verb::Vrfy, "VRFY", false, false, true},
    {Verb::Expn, "EXPN", false, false, true},
    {Verb::Help, "HELP", false, false, true},
    {Verb::Quit, "QUIT", false, false, false},
}};

const Row* find_row(std::string_view word) {
  const auto found = std::ranges::find_if(kRows, [&](const Row& row) { return iequals(row.word, word); });
  return found == kRows.end() ? nullptr : &*found;
}

// What a trace shows of a line. What is no command may be half of a login that the client thinks it is in.
std::string shown(std::string_view line) {
  std::string_view rest = line;
  const Row* row = find_row(take_word(rest));
  if (row == nullptr) return "***";
  return row->verb == Verb::Auth ? without_secret(line, 2) : printable(line);
}

LoginOptions login_options(const SubmissionOptions& options) {
  return {.context = {.find_password = options.find_password,
                      .random = options.random,
                      .bindings = options.bindings,
                      .host = options.host,
                      .salt_secret = options.salt_secret},
          .off = options.off,
          .asked_for = options.asked_for,
          .failed_logins = options.limits.failed_logins,
          .failed_login_delay = options.limits.failed_login_delay};
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

}  // namespace

SubmissionSession::SubmissionSession(SubmissionOptions options, Steady::time_point now)
    : options_(std::move(options)),
      encrypted_(options_.encrypted),
      login_(login_options(options_)),
      patience_ends_(now + options_.limits.login_timeout) {
  say(220, "", options_.host + " ESMTP twinbox");
}

bool SubmissionSession::has(std::string_view extension) const { return !names(options_.off, extension); }

void SubmissionSession::line(std::string_view text) {
  if (options_.trace != nullptr) options_.trace->line(TraceKind::Server, text);
  output_ += text;
  output_ += "\r\n";
}

void SubmissionSession::say(const Reply& reply) {
  const bool shows = !reply.status.empty() && has("ENHANCEDSTATUSCODES");
  line(fmt::format("{} {}{}{}", reply.code, shows ? reply.status : "", shows ? " " : "", reply.text));
}

void SubmissionSession::refuse(int code, std::string_view status, std::string_view text) {
  if (++bad_commands_ > options_.limits.bad_commands) return end_session("4.7.0", "too many bad commands");
  say(code, status, text);
}

// Section 3.8: nothing that was not answered was delivered.
void SubmissionSession::shut_down(std::string_view why) {
  if (!over_) end_session("4.3.2", why);
}

// RFC 5321, section 3.8: 421, whatever it was.
void SubmissionSession::end_session(std::string_view status, std::string_view text) {
  say(421, status, text);
  over_ = true;
  message_.reset();
  transaction_.reset();
  login_.end();
}

SubmissionSession::Reply SubmissionSession::answer_to(const Error& error) {
  std::string text = printable(error.what);
  switch (error.code) {
    case Errc::NotFound:
      return {550, "5.1.1", std::move(text)};
    case Errc::Refused:
      return {550, "5.7.1", std::move(text)};
    case Errc::Limit:
      return {552, "5.2.2", std::move(text)};
    default:
      return {451, "4.3.0", std::move(text)};
  }
}

// Input

void SubmissionSession::feed(std::string_view bytes, Steady::time_point) {
  if (over_ || wants_tls_) return;
  input_.feed(bytes);
}

bool SubmissionSession::wants_input() const { return !over_ && !wants_tls_ && input_.size() < options_.limits.input; }

Deadline SubmissionSession::deadline() const {
  return login_.answer_at() ? std::min(*login_.answer_at(), patience_ends_) : patience_ends_;
}

bool SubmissionSession::next_line(std::string& line) {
  if (skipping_) {
    if (!input_.skip_line()) return false;
    skipping_ = false;
  }
  const bool long_one = login_.in_exchange() || istarts_with(input_.rest(), "AUTH ");
  const auto found =
      input_.next(LineInput::End::CrLf, long_one ? options_.limits.auth_line : options_.limits.line, line);
  if (found != LineInput::Found::TooLong) return found == LineInput::Found::Line;
  // RFC 5321, section 4.5.3.1.9, and RFC 4954, section 4.
  login_.end();
  skipping_ = true;
  refuse(500, long_one ? "5.5.6" : "5.5.2", "the line is too long");
  return false;
}

std::string SubmissionSession::take_output(Steady::time_point now) {
  std::string next;
  while (!over_ && !wants_tls_ && output_.size() < options_.limits.output) {
    if (login_.answer_at()) {
      if (!login_.take_answer(now)) break;
      say(535, "5.7.8", "wrong user name or password");
      if (login_.too_many()) end_session("4.7.0", "too many failed logins");
    } else if (message_) {
      if (!read_message(now)) break;
    } else if (next_line(next)) {
      const Secret line(std::move(next));
      if (options_.trace != nullptr) {
        options_.trace->line(TraceKind::Client, login_.in_exchange() ? "***" : shown(line.reveal()));
      }
      login_.in_exchange() ? go_on(login_.respond(line.reveal()), now) : carry_out(line.reveal(), now);
    } else if (!skipping_ || input_.size() < 2) {
      break;
    }
  }
  if (user_ && !message_ && !output_.empty()) patience_ends_ = now + options_.limits.idle_timeout;
  // A message that is not all here is not delivered.
  if (!over_ && output_.empty() && now >= patience_ends_) end_session("4.4.2", "nothing came for too long");
  return std::exchange(output_, {});
}

// Commands

void SubmissionSession::carry_out(std::string_view text, Steady::time_point now) {
  std::string_view argument = text;
  const Row* row = find_row(take_word(argument));
  argument = trim(argument);
  if (!user_ && ++commands_ > options_.limits.commands_before_login) return end_session("4.7.0", "log in first");
  if (row == nullptr) return refuse(500, "5.5.1", "no such command");
  if (std::ranges::any_of(text, is_control)) return refuse(501, "5.5.2", "a control character");
  if (!row->has_argument && !argument.empty()) return refuse(501, "5.5.4", "nothing may follow it");
  if (row->needs_hello && client_.empty()) return refuse(503, "5.5.1", "EHLO first");
  if (row->needs_login && !user_) return refuse(530, "5.7.0", "log in first");
  switch (row->verb) {
    case Verb::Ehlo:
    case Verb::Helo:
      return hello(argument, row->verb == Verb::Ehlo);
    case Verb::StartTls:
      return starttls(now);
    case Verb::Auth:
      return auth(argument, now);
    case Verb::Mail:
      return mail(argument);
    case Verb::Rcpt:
      return rcpt(argument);
    case Verb::Data:
      return data(now);
    case Verb::Rset:
      transaction_.reset();
      return say(250, "2.0.0", "OK");
    case Verb::Noop:
      return say(250, "2.0.0", "OK");
    case Verb::Vrfy:  // RFC 5321, section 7.3: nothing of who is here is told
      if (argument.empty()) return refuse(501, "5.5.4", "whom?");
      return say(252, "2.5.0", "send it, and see");
    case Verb::Expn:
      return refuse(502, "5.5.1", "there are no lists");
    case Verb::Help:
      return say(214, "2.0.0", "RFC 6409 says how");
    case Verb::Quit:
      say(221, "2.0.0", "bye");
      over_ = true;
      return;
  }
}

void SubmissionSession::hello(std::string_view argument, bool extended) {
  if (!is_client_name(argument)) return refuse(501, "5.5.4", "that is no name of a host");
  client_ = argument;
  extended_ = extended;
  transaction_.reset();  // RFC 5321, section 4.1.4
  if (!extended) return line("250 " + options_.host);
  std::vector<std::string> lines = {options_.host};
  if (has("PIPELINING")) lines.emplace_back("PIPELINING");
  if (has("SIZE")) lines.push_back(fmt::format("SIZE {}", options_.limits.message));
  if (has("8BITMIME")) lines.emplace_back("8BITMIME");
  if (has_utf8()) lines.emplace_back("SMTPUTF8");
  if (has("ENHANCEDSTATUSCODES")) lines.emplace_back("ENHANCEDSTATUSCODES");
  if (options_.has_tls && !encrypted_ && has("STARTTLS")) lines.emplace_back("STARTTLS");
  const auto mechanisms = login_.mechanisms(may_say_password());
  if (has("AUTH") && !mechanisms.empty()) lines.push_back(fmt::format("AUTH {}", fmt::join(mechanisms, " ")));
  for (size_t i = 0; i < lines.size(); ++i) line((i + 1 < lines.size() ? "250-" : "250 ") + lines[i]);
}

void SubmissionSession::starttls(Steady::time_point now) {
  if (!has("STARTTLS")) return refuse(502, "5.5.1", "no such command");
  if (!options_.has_tls || encrypted_) return refuse(503, "5.5.1", "there is no TLS to begin");
  if (user_) return refuse(503, "5.5.1", "not behind a login");
  say(220, "2.0.0", "begin TLS");
  // Whoever put something behind it wants it to be read as if it came inside (CVE-2011-0411 and others).
  input_.clear();
  wants_tls_ = true;
  patience_ends_ = now + options_.limits.login_timeout;
}

// RFC 3207, section 4.2: what was said before is forgotten.
void SubmissionSession::tls_started(std::vector<sasl::ChannelBinding> bindings, Steady::time_point now) {
  wants_tls_ = false;
  encrypted_ = true;
  login_.bind(std::move(bindings));
  client_.clear();
  extended_ = false;
  patience_ends_ = now + options_.limits.login_timeout;
}

// Login (RFC 4954, section 4)

void SubmissionSession::auth(std::string_view argument, Steady::time_point now) {
  if (!has("AUTH") || !extended_) return refuse(502, "5.5.1", "no such command");
  if (user_) return refuse(503, "5.5.1", "you are logged in");
  const std::string_view name = take_word(argument);
  if (name.empty()) return refuse(501, "5.5.4", "by which mechanism?");
  const auto* row = sasl::find_server_mechanism(name);
  if (row != nullptr && row->needs_tls && !may_say_password()) return refuse(538, "5.7.11", "not without TLS");
  const auto initial = argument.empty() ? std::nullopt : std::optional(argument);
  go_on(login_.begin(name, initial, may_say_password()), now);
}

void SubmissionSession::go_on(const Login::Answer& answer, Steady::time_point now) {
  switch (answer.step) {
    case Login::Step::Challenge:
      if (options_.trace != nullptr) options_.trace->line(TraceKind::Server, answer.text.empty() ? "334 " : "334 ***");
      output_ += "334 " + answer.text + "\r\n";
      return;
    case Login::Step::In:
      return log_in(answer.text, now);
    case Login::Step::Wrong:
      return login_.refuse(now);
    case Login::Step::GivenUp:
      return refuse(501, "5.7.0", "given up");
    case Login::Step::Malformed:
      return refuse(501, "5.5.2", answer.text);
    case Login::Step::NoMechanism:
      return refuse(504, "5.5.4", "no such mechanism");
    case Login::Step::NotNow:
      return refuse(454, "4.7.0", "not now");
  }
}

void SubmissionSession::log_in(const std::string& name, Steady::time_point now) {
  user_ = name;
  bad_commands_ = 0;
  patience_ends_ = now + options_.limits.idle_timeout;
  say(235, "2.7.0", "welcome");
}

// A message (RFC 5321, section 3.3)

std::optional<SubmissionSession::Reply> SubmissionSession::take_parameters(std::string_view text) {
  const auto parameters = parse_parameters(text);
  if (!parameters) return Reply{501, "5.5.4", "these are no parameters"};
  for (const auto& [keyword, value] : *parameters) {
    const auto is = [&](std::string_view name, bool on) { return iequals(keyword, name) && extended_ && on; };
    if (is("SIZE", has("SIZE"))) {
      if (!value || !std::ranges::all_of(*value, [](char c) { return c >= '0' && c <= '9'; })) {
        return Reply{501, "5.5.4", "SIZE of how many octets?"};
      }
      const auto octets = parse_u64(*value);
      if (!octets || *octets > options_.limits.message) return Reply{552, "5.3.4", "the message is too large"};
    } else if (is("BODY", has("8BITMIME"))) {
      if (!value || (!iequals(*value, "8BITMIME") && !iequals(*value, "7BIT"))) {
        return Reply{501, "5.5.4", "BODY is 7BIT or 8BITMIME"};
      }
    } else if (is("SMTPUTF8", has_utf8())) {
      if (value) return Reply{501, "5.5.4", "SMTPUTF8 has no value"};
      transaction_->utf8 = true;
    } else if (is("AUTH", has("AUTH"))) {
      // Who wrote it first (RFC 4954, section 5): nobody here would be told.
      if (!value) return Reply{501, "5.5.4", "AUTH=whom?"};
    } else {
      return Reply{555, "5.5.4", "no such parameter"};
    }
  }
  return std::nullopt;
}

void SubmissionSession::mail(std::string_view argument) {
  if (transaction_) return refuse(503, "5.5.1", "one sender is enough");
  if (++transactions_ > options_.limits.transactions) return end_session("4.7.0", "enough for one session");
  const auto path = parse_path(argument, "FROM");
  if (!path) return refuse(501, "5.1.7", "MAIL FROM:<address>");
  if (path->too_long) return refuse(501, "5.1.7", "the address is too long");
  transaction_ = Transaction{};
  auto wrong = take_parameters(path->rest);
  if (!wrong && !path->ascii && !transaction_->utf8) wrong = Reply{553, "5.6.7", "not without SMTPUTF8"};
  if (wrong) {
    transaction_.reset();
    return say(*wrong);
  }
  // RFC 3848, and RFC 6531, section 4.3.
  const std::string protocol = fmt::format("{}{}A", transaction_->utf8 ? "UTF8SMTP" : "ESMTP", encrypted_ ? "S" : "");
  transaction_->envelope = {
      .user = *user_, .sender = std::string(path->address), .client = client_, .protocol = protocol};
  say(250, "2.1.0", "OK");
}

void SubmissionSession::rcpt(std::string_view argument) {
  if (!transaction_) return refuse(503, "5.5.1", "MAIL first");
  const auto path = parse_path(argument, "TO");
  if (!path || path->address.empty()) return refuse(501, "5.1.3", "RCPT TO:<address>");
  if (path->too_long) return refuse(501, "5.1.3", "the address is too long");
  if (!path->rest.empty()) return refuse(555, "5.5.4", "no such parameter");
  if (!path->ascii && !transaction_->utf8) return refuse(553, "5.6.7", "not without SMTPUTF8");
  Envelope& envelope = transaction_->envelope;
  if (envelope.recipients.size() >= options_.limits.recipients) {
    return say(452, "4.5.3", "recipients enough: send it to the others afterwards");
  }
  const Status accepted = options_.agent->accepts(*user_, path->address);
  if (!accepted && ++refused_recipients_ > options_.limits.refused_recipients) {
    return end_session("4.7.0", "too many wrong recipients");
  }
  if (!accepted) return say(answer_to(accepted.error()));
  envelope.recipients.emplace_back(path->address);
  say(250, "2.1.5", "OK");
}

void SubmissionSession::data(Steady::time_point now) {
  if (!transaction_) return refuse(503, "5.5.1", "MAIL first");
  if (transaction_->envelope.recipients.empty()) return refuse(554, "5.5.1", "no recipient was accepted");
  const std::string random = options_.random(kMessageIdRandom);
  if (random.size() != kMessageIdRandom) return say(451, "4.3.0", "not now");
  auto delivery = options_.agent->begin(transaction_->envelope);
  if (!delivery) {
    transaction_.reset();
    return say(answer_to(delivery.error()));
  }
  const int64_t time = options_.clock != nullptr ? options_.clock->unix_seconds() : SystemClock().unix_seconds();
  message_.emplace(
      Message{.delivery = std::move(*delivery),
              .header = {fmt::format("Date: {}\r\n", mime::format_date({.unix_seconds = time, .zone_known = true})),
                         fmt::format("Message-ID: <{}@{}>\r\n", to_hex(random), options_.host)}});
  patience_ends_ = now + options_.limits.data_timeout;
  say(354, "", "end with a dot alone");
}

// False: more is to come.
bool SubmissionSession::read_message(Steady::time_point now) {
  Message& m = *message_;
  std::string octets;
  const size_t taken = m.reader.feed(input_.rest(), octets);
  input_.take(taken);
  m.block += taken;
  if (m.block >= options_.limits.data_block) {
    m.block = 0;
    patience_ends_ = now + options_.limits.data_timeout;
  }
  message_piece(octets);
  if (!m.reader.done()) return false;
  end_message();
  return true;
}

void SubmissionSession::message_piece(std::string_view octets) {
  Message& m = *message_;
  if (m.refusal) return;
  if (m.reader.has_bare()) {
    // Whoever reads it next may take a bare CR or LF for a line's end, and find another message in this one.
    m.refusal = Reply{550, "5.6.0", "a CR or LF by itself: lines end with CRLF"};
  } else if (m.reader.longest_line() > options_.limits.text_line) {
    m.refusal = Reply{554, "5.6.0", "a line is too long"};
  } else if (m.reader.octets() > options_.limits.message) {
    m.refusal = Reply{552, "5.3.4", "the message is too large"};
  } else {
    std::string out;
    m.header.feed(octets, out);
    if (m.reader.done()) m.header.end(out);
    const Status kept = out.empty() ? Status() : m.delivery->data(out);
    if (!kept) m.refusal = answer_to(kept.error());
  }
  if (m.refusal) m.delivery.reset();
}

void SubmissionSession::end_message() {
  Message m = std::move(*message_);
  message_.reset();
  transaction_.reset();
  if (options_.trace != nullptr) {
    options_.trace->line(TraceKind::Client, fmt::format("({} octets)", with_separators(m.reader.octets())));
  }
  if (!m.refusal) {
    const Status delivered = m.delivery->done();
    if (!delivered) m.refusal = answer_to(delivered.error());
  }
  m.refusal ? say(*m.refusal) : say(250, "2.0.0", "delivered");
}

}  // namespace libsync::server

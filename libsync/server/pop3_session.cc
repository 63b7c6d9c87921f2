#include "libsync/server/pop3_session.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "libsync/base/digest.h"
#include "libsync/base/text.h"
#include "libsync/sasl/crypto.h"

namespace libsync::server {

using pop3::State;
using pop3::Verb;

namespace {

constexpr size_t kPiece = 128 * 1024;  // of a message, at a time
constexpr size_t kBannerRandom = 12;   // octets

// Words of a command, before its arguments; "" where there is none.
std::string_view take_word(std::string_view& rest) {
  const size_t space = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, space);
  rest.remove_prefix(std::min(space + 1, rest.size()));
  return word;
}

std::optional<Verb> verb_of(std::string_view word) {
  const auto found = std::ranges::find_if(pop3::rules(), [&](const auto& row) { return iequals(row.word, word); });
  return found == pop3::rules().end() ? std::nullopt : std::optional(found->verb);
}

// What a trace shows of a line: no passwords, no proofs. What is no command may be half of a login that the client
// thinks it is in.
std::string shown(std::string_view line) {
  std::string_view rest = line;
  const std::string_view word = take_word(rest);
  if (!verb_of(word)) return "***";
  if (iequals(word, "PASS")) return without_secret(line, 1);
  if (iequals(word, "APOP") || iequals(word, "AUTH")) return without_secret(line, 2);
  return printable(line);
}

LoginOptions login_options(const Pop3Options& options) {
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

}  // namespace

Pop3Session::Pop3Session(Pop3Options options, Steady::time_point now)
    : options_(std::move(options)),
      encrypted_(options_.encrypted),
      login_(login_options(options_)),
      patience_ends_(now + options_.limits.login_timeout) {
  const std::string random = options_.random(kBannerRandom);
  // APOP's time stamp is a message id that is never the same (RFC 1939, section 7).
  if (names(options_.asked_for, "APOP") && has("APOP") && random.size() == kBannerRandom) {
    banner_time_ = "<" + to_hex(random) + "@" + options_.host + ">";
  }
  say(true, "", "twinbox" + (banner_time_.empty() ? "" : " " + banner_time_));
}

Pop3Session::~Pop3Session() = default;

bool Pop3Session::has(std::string_view extension) const { return !names(options_.off, extension); }

void Pop3Session::line(std::string_view text) {
  if (options_.trace != nullptr) options_.trace->line(TraceKind::Server, text);
  output_ += text;
  output_ += "\r\n";
}

void Pop3Session::say(bool ok, std::string_view code, std::string_view text) {
  std::string answer = ok ? "+OK" : "-ERR";
  const bool shows = !code.empty() && has(code == "AUTH" ? "AUTH-RESP-CODE" : "RESP-CODES");
  if (shows) answer += fmt::format(" [{}]", code);
  if (!text.empty()) answer += fmt::format(" {}", text);
  line(answer);
}

void Pop3Session::end_session(std::string_view code, std::string_view text) {
  say(false, code, text);
  state_ = State::Closed;
  drop_.reset();
}

// POP3 has no word for it that a client would take for anything but an answer: in the middle of a message none at all.
void Pop3Session::shut_down(std::string_view why) {
  if (state_ == State::Closed) return;
  const bool answering = sending_ || listing_;
  sending_.reset();
  listing_.reset();
  state_ = State::Closed;
  drop_.reset();
  if (!answering) say(false, "SYS/TEMP", why);
}

// Input

void Pop3Session::feed(std::string_view bytes, Steady::time_point) {
  if (state_ == State::Closed || wants_tls_) return;
  input_.feed(bytes);
}

bool Pop3Session::wants_input() const {
  return state_ != State::Closed && !wants_tls_ && input_.size() < options_.limits.input;
}

Deadline Pop3Session::deadline() const {
  return login_.answer_at() ? std::min(*login_.answer_at(), patience_ends_) : patience_ends_;
}

bool Pop3Session::next_line(std::string& line) {
  const size_t limit = login_.in_exchange() ? options_.limits.response_line : options_.limits.line;
  const auto found = input_.next(LineInput::End::Lf, limit, line);
  if (found == LineInput::Found::TooLong) end_session("", "the line is too long");
  return found == LineInput::Found::Line;
}

std::string Pop3Session::take_output(Steady::time_point now) {
  std::string next;
  while (state_ != State::Closed && !wants_tls_ && output_.size() < options_.limits.output) {
    if (login_.answer_at()) {
      if (!login_.take_answer(now)) break;
      say(false, "AUTH", "wrong user name or password");
      if (login_.too_many()) end_session("", "too many failed logins");
    } else if (sending_ || listing_) {
      send_more();
    } else if (next_line(next)) {
      const Secret line(std::move(next));
      if (options_.trace != nullptr) {
        options_.trace->line(TraceKind::Client, login_.in_exchange() ? "***" : shown(line.reveal()));
      }
      login_.in_exchange() ? go_on(login_.respond(line.reveal()), now) : carry_out(line.reveal(), now);
    } else {
      break;
    }
  }
  // A message may have taken longer than that to be sent.
  if (state_ == State::Transaction && !output_.empty()) patience_ends_ = now + options_.limits.idle_timeout;
  // RFC 1939, section 3: a session that is left alone ends, and removes nothing.
  if (state_ != State::Closed && output_.empty() && now >= patience_ends_) end_session("", "nothing came for too long");
  return std::exchange(output_, {});
}

// Commands

void Pop3Session::carry_out(std::string_view text, Steady::time_point now) {
  std::string_view argument = text;
  const std::string_view word = take_word(argument);
  const auto verb = verb_of(word);
  const bool in = state_ == State::Transaction;
  if (!in && ++commands_ > options_.limits.commands_before_login) return end_session("", "log in first");
  const bool known = verb && *verb != Verb::Lang && has(word);
  if (!known || !(in ? pop3::rule(*verb).in_transaction : pop3::rule(*verb).in_authorization)) {
    if (++bad_commands_ > options_.limits.bad_commands) return end_session("", "too many bad commands");
    return say(false, "", !known ? "no such command" : in ? "not now: you are logged in" : "log in first");
  }
  switch (*verb) {
    case Verb::Capa:
      return capa();
    case Verb::Stls:
      return stls(now);
    case Verb::User:
      return user(argument);
    case Verb::Pass:
      return pass(argument, now);
    case Verb::Apop:
      return apop(argument, now);
    case Verb::Auth:
      return auth(argument, now);
    case Verb::Utf8:
      return say(true, "", "");  // messages are sent as they are in any case
    case Verb::Stat:
      return stat();
    case Verb::List:
    case Verb::Uidl:
      return list(argument, *verb == Verb::Uidl);
    case Verb::Retr:
      return retr(argument);
    case Verb::Top:
      return top(argument);
    case Verb::Dele:
      return dele(argument);
    case Verb::Rset:
      return rset();
    case Verb::Noop:
      return say(true, "", "");
    case Verb::Quit:
      return quit();
    case Verb::Lang:
      return;
  }
}

void Pop3Session::capa() {
  say(true, "", "");
  const bool out = state_ == State::Authorization;
  for (const char* name : {"TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"}) {
    if (has(name)) line(name);
  }
  if (has("UTF8")) line("UTF8 USER");
  if (has("EXPIRE")) line(options_.expire_days ? fmt::format("EXPIRE {}", *options_.expire_days) : "EXPIRE NEVER");
  if (has("LOGIN-DELAY") && options_.login_delay > 0) line(fmt::format("LOGIN-DELAY {}", options_.login_delay));
  if (has("IMPLEMENTATION")) line("IMPLEMENTATION twinbox");
  if (out && options_.has_tls && !encrypted_ && has("STLS")) line("STLS");
  if (out && may_say_password() && has("USER")) line("USER");
  std::string mechanisms;
  for (const auto name : login_.mechanisms(may_say_password())) mechanisms += fmt::format(" {}", name);
  if (out && has("SASL") && !mechanisms.empty()) line("SASL" + mechanisms);
  line(".");
}

void Pop3Session::stls(Steady::time_point now) {
  if (!options_.has_tls || encrypted_) return say(false, "", "there is no TLS to begin");
  say(true, "", "begin TLS");
  // Whoever put something behind it wants it to be read as if it came inside (CVE-2011-0411 and others).
  input_.clear();
  wants_tls_ = true;
  patience_ends_ = now + options_.limits.login_timeout;
}

void Pop3Session::tls_started(std::vector<sasl::ChannelBinding> bindings, Steady::time_point now) {
  wants_tls_ = false;
  encrypted_ = true;
  login_.bind(std::move(bindings));
  user_.clear();
  banner_time_.clear();
  patience_ends_ = now + options_.limits.login_timeout;
}

// Login

void Pop3Session::user(std::string_view argument) {
  if (!may_say_password()) return say(false, "", "not without TLS");
  if (argument.empty()) return say(false, "", "whose?");
  // Whether there is such a user is not told (RFC 1939, section 13).
  user_ = argument;
  say(true, "", "");
}

void Pop3Session::pass(std::string_view argument, Steady::time_point now) {
  if (user_.empty()) return say(false, "", "USER first");
  const std::string name = std::exchange(user_, {});
  if (!login_.is_password_of(name, Secret(std::string(argument)))) return login_.refuse(now);
  log_in(name, now);
}

void Pop3Session::apop(std::string_view argument, Steady::time_point now) {
  if (banner_time_.empty()) return say(false, "", "no such command");
  // A user name may hold spaces: the digest is what follows the last.
  const size_t space = argument.rfind(' ');
  const std::string name(argument.substr(0, space));
  const std::string_view proof = space == argument.npos ? "" : argument.substr(space + 1);
  const auto password = options_.find_password(name);
  const Secret text(banner_time_ + (password ? password->reveal() : ""));
  if (!sasl::equal(proof, to_hex(sasl::digest(sasl::Hash::Md5, text.reveal()))) || !password) return login_.refuse(now);
  log_in(name, now);
}

void Pop3Session::auth(std::string_view argument, Steady::time_point now) {
  const std::string_view name = take_word(argument);
  if (!has("SASL")) return say(false, "", "no such mechanism");
  const auto initial = argument.empty() ? std::nullopt : std::optional(argument);
  go_on(login_.begin(name, initial, may_say_password()), now);
}

void Pop3Session::go_on(const Login::Answer& answer, Steady::time_point now) {
  switch (answer.step) {
    case Login::Step::Challenge:
      if (options_.trace != nullptr) options_.trace->line(TraceKind::Server, answer.text.empty() ? "+ " : "+ ***");
      output_ += "+ " + answer.text + "\r\n";
      return;
    case Login::Step::In:
      return log_in(answer.text, now);
    case Login::Step::Wrong:
      return login_.refuse(now);
    case Login::Step::GivenUp:
      return give_up("given up");
    case Login::Step::Malformed:
      return give_up(answer.text);
    case Login::Step::NoMechanism:
      return say(false, "", "no such mechanism");
    case Login::Step::NotNow:
      return end_session("SYS/TEMP", "not now");
  }
}

void Pop3Session::give_up(std::string_view why) {
  if (++bad_commands_ > options_.limits.bad_commands) return end_session("", "too many bad commands");
  say(false, "", why);
}

void Pop3Session::log_in(const std::string& name, Steady::time_point now) {
  auto drop = options_.open_maildrop(name);
  if (!drop) {
    const Error& error = drop.error();
    const bool busy = error.code == Errc::Busy;
    const bool wait = error.retry_after.count() > 0;
    return say(false, busy ? "IN-USE" : wait ? "LOGIN-DELAY" : "SYS/TEMP", printable(error.what));
  }
  drop_ = std::move(*drop);
  marked_.assign(drop_->entries().size(), false);
  user_ = name;
  state_ = State::Transaction;
  bad_commands_ = 0;
  patience_ends_ = now + options_.limits.idle_timeout;
  say(true, "", fmt::format("messages: {}", marked_.size()));
}

// The maildrop

std::optional<size_t> Pop3Session::message(std::string_view argument) {
  const auto number = parse_u64(trim(argument));
  if (!number || *number == 0 || *number > marked_.size() || marked_[*number - 1]) {
    say(false, "", "no such message");
    return std::nullopt;
  }
  return *number - 1;
}

void Pop3Session::stat() {
  uint64_t count = 0, octets = 0;
  for (size_t i = 0; i < marked_.size(); ++i) {
    if (marked_[i]) continue;
    ++count;
    octets += drop_->entries()[i].size;
  }
  say(true, "", fmt::format("{} {}", count, octets));
}

std::string Pop3Session::listing_line(size_t index, bool uidls) const {
  const Maildrop::Entry& entry = drop_->entries()[index];
  return uidls ? fmt::format("{} {}", index + 1, entry.uidl) : fmt::format("{} {}", index + 1, entry.size);
}

void Pop3Session::list(std::string_view argument, bool uidls) {
  if (argument.empty()) {
    say(true, "", "");
    listing_ = Listing{.uidls = uidls};
  } else if (const auto index = message(argument)) {
    say(true, "", listing_line(*index, uidls));
  }
}

void Pop3Session::retr(std::string_view argument) {
  const auto index = message(argument);
  if (index) send_message(*index, std::nullopt);
}

void Pop3Session::top(std::string_view argument) {
  const std::string_view number = take_word(argument);
  const auto lines = parse_u64(trim(argument));
  if (!lines) return say(false, "", "how many lines?");
  const auto index = message(number);
  if (index) send_message(*index, lines);
}

void Pop3Session::dele(std::string_view argument) {
  const auto index = message(argument);
  if (!index) return;
  marked_[*index] = true;
  say(true, "", "");
}

void Pop3Session::rset() {
  marked_.assign(marked_.size(), false);
  say(true, "", "");
}

void Pop3Session::quit() {
  std::vector<size_t> gone;
  for (size_t i = 0; i < marked_.size(); ++i) {
    if (marked_[i]) gone.push_back(i);
  }
  // RFC 1939, section 6: the answer tells whether all of them went.
  const Status removed = gone.empty() ? Status() : drop_->remove(gone);
  drop_.reset();
  if (!removed) return end_session("SYS/TEMP", "nothing was removed: " + printable(removed.error().what));
  say(true, "", gone.empty() ? "" : fmt::format("removed: {}", gone.size()));
  state_ = State::Closed;
}

void Pop3Session::send_message(size_t index, std::optional<uint64_t> lines) {
  // The first piece tells whether it can be had.
  auto first = drop_->read(index, 0, kPiece);
  if (!first) return say(false, "SYS/TEMP", printable(first.error().what));
  say(true, "", fmt::format("{} octets", drop_->entries()[index].size));
  sending_ = Sending{.index = index, .lines = lines};
  send_piece(*first);
}

// Of TOP what is left of this piece; false: all that was wanted is there.
bool Pop3Session::cut_to_lines(std::string_view& piece) {
  Sending& s = *sending_;
  for (size_t at = 0; at < piece.size();) {
    const size_t lf = piece.find('\n', at);
    const size_t end = lf == piece.npos ? piece.size() : lf;
    for (; at < end; ++at) s.line_is_empty = s.line_is_empty && piece[at] == '\r';
    if (lf == piece.npos) return true;
    at = lf + 1;
    const bool empty = std::exchange(s.line_is_empty, true);
    if (s.in_header) {
      s.in_header = !empty;
      if (s.in_header || *s.lines > 0) continue;
    } else if (--*s.lines > 0) {
      continue;
    }
    piece = piece.substr(0, at);
    return false;
  }
  return true;
}

void Pop3Session::send_piece(std::string_view piece) {
  Sending& s = *sending_;
  s.at += piece.size();
  const bool more = !piece.empty() && (!s.lines || cut_to_lines(piece));
  s.stuffer.feed(piece, output_);
  if (more) return;
  s.stuffer.end(output_);
  if (options_.trace != nullptr) options_.trace->line(TraceKind::Server, fmt::format("({} octets)", s.at));
  sending_.reset();
}

void Pop3Session::send_more() {
  if (listing_) {
    for (; listing_->next < marked_.size() && output_.size() < options_.limits.output; ++listing_->next) {
      if (!marked_[listing_->next]) line(listing_line(listing_->next, listing_->uidls));
    }
    if (listing_->next < marked_.size()) return;
    line(".");
    listing_.reset();
    return;
  }
  auto piece = drop_->read(sending_->index, sending_->at, kPiece);
  // A part of a message must not pass for the whole: there is no other way to say so.
  if (!piece) {
    state_ = State::Closed;
    drop_.reset();
    return;
  }
  send_piece(*piece);
}

}  // namespace libsync::server

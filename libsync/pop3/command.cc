#include "libsync/pop3/command.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "libsync/base/base64.h"
#include "libsync/base/digest.h"
#include "libsync/base/words.h"
#include "libsync/sasl/crypto.h"

namespace libsync::pop3 {
namespace {

constexpr State kSame = State::Greeting;

constexpr std::array kRules = {
    // verb, word, authorization, transaction, body, with argument, on +OK, pipelined
    Rule{Verb::Capa, "CAPA", true, true, Body::Lines, Body::Lines, kSame, true},
    Rule{Verb::Stls, "STLS", true, false, Body::None, Body::None, kSame, false},
    Rule{Verb::User, "USER", true, false, Body::None, Body::None, kSame, false},
    Rule{Verb::Pass, "PASS", true, false, Body::None, Body::None, State::Transaction, false},
    Rule{Verb::Apop, "APOP", true, false, Body::None, Body::None, State::Transaction, false},
    Rule{Verb::Auth, "AUTH", true, false, Body::None, Body::None, State::Transaction, false},
    Rule{Verb::Utf8, "UTF8", true, false, Body::None, Body::None, kSame, false},
    Rule{Verb::Lang, "LANG", true, true, Body::Lines, Body::None, kSame, false},
    Rule{Verb::Stat, "STAT", false, true, Body::None, Body::None, kSame, true},
    Rule{Verb::List, "LIST", false, true, Body::Lines, Body::None, kSame, true},
    Rule{Verb::Uidl, "UIDL", false, true, Body::Lines, Body::None, kSame, true},
    Rule{Verb::Retr, "RETR", false, true, Body::Message, Body::Message, kSame, true},
    Rule{Verb::Top, "TOP", false, true, Body::Message, Body::Message, kSame, true},
    Rule{Verb::Dele, "DELE", false, true, Body::None, Body::None, kSame, true},
    Rule{Verb::Noop, "NOOP", false, true, Body::None, Body::None, kSame, true},
    Rule{Verb::Rset, "RSET", false, true, Body::None, Body::None, kSame, true},
    Rule{Verb::Quit, "QUIT", true, true, Body::None, Body::None, State::Update, false},
};

Command numbered(Verb verb, uint64_t number) {
  return {.verb = verb, .argument = std::to_string(number), .number = number};
}

bool has_line_end(std::string_view text) { return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos; }

}  // namespace

std::span<const Rule> rules() { return kRules; }

const Rule& rule(Verb verb) {
  return *std::ranges::find_if(kRules, [&](const Rule& row) { return row.verb == verb; });
}

Command lang(std::string_view tag) { return {.verb = Verb::Lang, .argument = std::string(tag)}; }
Command list(uint64_t number) { return numbered(Verb::List, number); }
Command uidl(uint64_t number) { return numbered(Verb::Uidl, number); }
Command dele(uint64_t number) { return numbered(Verb::Dele, number); }

Command retr(uint64_t number, uint64_t announced) {
  Command command = numbered(Verb::Retr, number);
  command.announced = announced;
  return command;
}

Command top(uint64_t number, uint64_t lines) {
  Command command = numbered(Verb::Top, number);
  command.argument += fmt::format(" {}", lines);
  return command;
}

Command user(std::string_view name) { return {.verb = Verb::User, .argument = std::string(name)}; }
Command pass(const Secret& password) { return {.verb = Verb::Pass, .secret = password}; }

Command apop(std::string_view name, std::string_view timestamp, const Secret& password) {
  const Secret text(std::string(timestamp) + password.reveal());
  return {.verb = Verb::Apop,
          .argument = std::string(name),
          .secret = Secret(to_hex(sasl::digest(sasl::Hash::Md5, text.reveal())))};
}

Command auth(std::string_view mechanism) { return {.verb = Verb::Auth, .argument = std::string(mechanism)}; }

Command auth(std::string_view mechanism, const Secret& initial) {
  return {.verb = Verb::Auth, .argument = std::string(mechanism), .secret = initial, .has_initial = true};
}

Result<Secret> to_line(const Command& command) {
  const std::string_view verb = rule(command.verb).word;
  std::string line(verb);
  if (!command.argument.empty()) line += " " + command.argument;
  if (command.has_initial) {
    // RFC 5034, section 4: an empty initial response is a "=".
    const std::string initial = command.secret.empty() ? "=" : base64_encode(command.secret.reveal());
    if (line.size() + initial.size() + 3 <= kMaxCommandLine) line += " " + initial;
  } else if (!command.secret.empty() || command.verb == Verb::Pass) {
    line += " " + command.secret.reveal();
  }
  if (has_line_end(line)) return fail(Errc::Usage, say("{}: a line end or NUL in a name or password", verb));
  return Secret(std::move(line) + "\r\n");
}

std::string to_trace(const Command& command) {
  std::string line(rule(command.verb).word);
  if (!command.argument.empty()) line += " " + command.argument;
  const bool initial_fits =
      command.has_initial && to_line(command).value_or(Secret()).reveal().size() > line.size() + 2;
  if (command.verb == Verb::Pass || command.verb == Verb::Apop || initial_fits) line += " ***";
  return line;
}

}  // namespace libsync::pop3

// POP3's commands, and the table of what is allowed where and what leads where (RFC 1939, sections 4
// to 7; RFC 2449, 2595, 5034, 6856).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "libsync/base/result.h"
#include "libsync/base/secret.h"

namespace libsync::pop3 {

enum class State : uint8_t {
  Greeting,       // nothing came yet
  Authorization,  // the server waits for a login
  Transaction,    // the maildrop is open and locked
  Update,         // QUIT was acknowledged in Transaction: what was marked is gone
  Closed,         // QUIT was acknowledged before a login, or the session failed
};

enum class Verb : uint8_t {
  Capa,
  Stls,
  User,
  Pass,
  Apop,
  Auth,
  Utf8,
  Lang,
  Stat,
  List,
  Uidl,
  Retr,
  Top,
  Dele,
  Noop,
  Rset,
  Quit
};

// What follows the status line of a +OK.
enum class Body : uint8_t {
  None,
  Lines,    // a listing, ended by a lone dot
  Message,  // a message, ended by a lone dot
};

struct Rule {
  Verb verb;
  std::string_view word;
  bool in_authorization, in_transaction;
  Body body;  // without an argument where `body_with_argument` differs
  Body body_with_argument;
  // Where a +OK leads; State::Greeting: nowhere else. QUIT leads to Update from Transaction only.
  State on_ok;
  bool pipelined;  // may have others in flight before and behind it (RFC 2449, section 6.6)
};

// One row a command: the three states are this table.
std::span<const Rule> rules();
const Rule& rule(Verb verb);

// A command to send. Made by the functions below; `secret` never shows in traces.
struct Command {
  Verb verb = Verb::Noop;
  std::string argument{};
  Secret secret{};           // goes behind the argument; AUTH: the raw initial response
  bool has_initial = false;  // AUTH: `secret` is an initial response, which may be empty
  uint64_t number = 0;       // of the message, handed back in events; 0: none
  uint64_t announced = 0;    // RETR: octets by LIST, to tell a true end (unstuffer.h); 0: unknown
};

inline Command capa() { return {.verb = Verb::Capa}; }
inline Command stls() { return {.verb = Verb::Stls}; }
inline Command stat() { return {.verb = Verb::Stat}; }
inline Command list() { return {.verb = Verb::List}; }
inline Command uidl() { return {.verb = Verb::Uidl}; }
inline Command noop() { return {.verb = Verb::Noop}; }
inline Command rset() { return {.verb = Verb::Rset}; }
inline Command quit() { return {.verb = Verb::Quit}; }
inline Command utf8() { return {.verb = Verb::Utf8}; }
Command lang(std::string_view tag);  // empty: list the languages
Command list(uint64_t number);
Command uidl(uint64_t number);
Command retr(uint64_t number, uint64_t announced);
Command top(uint64_t number, uint64_t lines);
Command dele(uint64_t number);
Command user(std::string_view name);
Command pass(const Secret& password);
Command apop(std::string_view name, std::string_view timestamp, const Secret& password);
Command auth(std::string_view mechanism);
Command auth(std::string_view mechanism, const Secret& initial);

// RFC 2449, section 4: a command line has at most 255 octets, CRLF included. Passwords and tokens that
// need more are sent all the same: a server that can't take them says so.
inline constexpr size_t kMaxCommandLine = 255;

// The line that goes out, CRLF included. Errc::Usage where CR, LF or NUL is in it. For an AUTH whose
// initial response does not fit kMaxCommandLine the line has none (RFC 5034, section 4).
Result<Secret> to_line(const Command& command);
// The same for a trace: without line end and secret.
std::string to_trace(const Command& command);

}  // namespace libsync::pop3

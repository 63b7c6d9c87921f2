// POP3's grammar (RFC 1939; RFC 2449 for capabilities and response codes). Functions of text; what a
// broken server sends is tolerated where its meaning is clear.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/result.h"
#include "libsync/pop3/quirks.h"

namespace libsync::pop3 {

// A reply's first line. `code` is the response code in capitals ("SYS/TEMP"), without brackets, or
// empty; `text` what follows, as it came: printable() it before a person sees it.
struct StatusLine {
  bool ok = false;
  std::string code{};
  std::string text{};
};

// Nothing if `line` (without its line end) is neither "+OK" nor "-ERR". Tolerates any case, missing
// text and trailing spaces.
std::optional<StatusLine> parse_status(std::string_view line);

// Whether what begins so is a status line; nothing: more octets are needed to tell.
std::optional<bool> begins_status(std::string_view text);

// "n size" of LIST and STAT; tolerates more behind it.
struct NumberPair {
  uint64_t first = 0, second = 0;
};
std::optional<NumberPair> parse_pair(std::string_view text);

// "n uidl". The UIDL is all the rest but white space at its end: RFC 1939, section 7 allows 70 octets
// from 0x21 to 0x7E, servers send other things, and to the client it is only data. Views into `text`.
struct UidlLine {
  uint64_t number = 0;
  std::string_view uidl{};
};
std::optional<UidlLine> parse_uidl(std::string_view text);

// What CAPA told. Default: a server without CAPA.
struct Capabilities {
  bool known = false;  // CAPA was answered
  bool top = false, user = false, uidl = false, stls = false, pipelining = false;
  bool resp_codes = false, auth_resp_code = false;
  bool utf8 = false, utf8_user = false, lang = false;  // RFC 6856
  std::vector<std::string> sasl{};                     // mechanism names in capitals, each once
  std::optional<uint64_t> login_delay{};               // seconds (RFC 2449, section 6.5)
  std::optional<uint64_t> expire_days{};               // 0: messages may not be left (section 6.7)
  bool expire_never = false;
  std::string implementation{};  // as it came
};

// At most so many mechanisms are kept; real lists have below 15.
inline constexpr size_t kMaxSaslNames = 64;

// Adds one line of a CAPA listing. Unknown ones are passed over; a line may come twice.
void add_capability(Capabilities& capabilities, std::string_view line, Quirks& quirks);

// The time stamp of an APOP banner, "<…@…>" (RFC 1939, section 7); empty if there is none, or if it is
// no plain message id: a server that chooses odd octets can work out the password (CVE-2007-1558).
std::string_view find_timestamp(std::string_view banner);

// The protocol that a greeting which is not POP3's belongs to: "IMAP", "SMTP"…; empty if not known.
std::string_view other_protocol(std::string_view greeting);

// Whether a refusal without a code that means it asks for a pause (Quirk::WaitInWords).
bool asks_to_wait(std::string_view text);

// A pause that a server asks for is kept to a day: a number can be wrong.
inline constexpr uint64_t kMaxPause = 86'400;  // seconds
// For limits that are told without a time: those that are known are of a quarter of an hour and more.
inline constexpr std::chrono::seconds kPauseOfLimits{900};

// The refusal of what `what` says ("login refused by pop.example.org"), classified by response code
// (RFC 2449, section 8; RFC 3206; RFC 6856) or, where there is none, by the words that mean "later"; with
// the server's words and a hint. `fallback`: for all others.
Error refusal(std::string what, const StatusLine& status, const Capabilities& capabilities, Errc fallback);

}  // namespace libsync::pop3

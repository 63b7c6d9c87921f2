#include "libsync/server/fault_script.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::server {
namespace {

std::string_view take_word(std::string_view& rest) {
  rest = trim(rest);
  const std::string_view word = rest.substr(0, rest.find_first_of(" \t"));
  rest.remove_prefix(word.size());
  return word;
}

std::optional<std::chrono::milliseconds> read_time(std::string_view text) {
  const bool seconds = !text.ends_with("ms") && text.ends_with('s');
  if (!seconds && !text.ends_with("ms")) return std::nullopt;
  text.remove_suffix(seconds ? 1 : 2);
  const auto number = parse_u64(text);
  const auto most = static_cast<uint64_t>(std::chrono::milliseconds(kMaxFaultDelay).count());
  if (!number || *number > most || *number * (seconds ? 1000 : 1) > most) return std::nullopt;
  return std::chrono::milliseconds(*number * (seconds ? 1000 : 1));
}

// "+12", "-3": 32 bits are enough for a lie.
std::optional<int64_t> read_signed(std::string_view text) {
  const bool minus = text.starts_with('-');
  if (!minus && !text.starts_with('+')) return std::nullopt;
  const auto number = parse_u64(text.substr(1));
  if (!number || *number > UINT32_MAX) return std::nullopt;
  return minus ? -static_cast<int64_t>(*number) : static_cast<int64_t>(*number);
}

bool read_number(std::string_view text, uint64_t& out) {
  const auto number = parse_u64(text);
  out = number.value_or(0);
  return number.has_value();
}

// Which of them: "", "3", "from 3". False: not a number from 1 on.
bool read_turns(std::string_view& rest, Fault& fault) {
  std::string_view ahead = rest;
  const std::string_view word = take_word(ahead);
  const bool from = iequals(word, "from");
  if (!from && (word.empty() || word.front() < '0' || word.front() > '9')) return true;
  if (!read_number(from ? take_word(ahead) : word, fault.first) || fault.first == 0) return false;
  if (!from) fault.last = fault.first;
  rest = ahead;
  return true;
}

bool read_lie(std::string_view& rest, Fault& fault) {
  const std::string_view what = take_word(rest);
  const auto more = read_signed(take_word(rest));
  fault.kind = iequals(what, "size") ? Fault::Kind::LieSize : Fault::Kind::LieUidvalidity;
  fault.more = more.value_or(0);
  return more && (iequals(what, "size") || iequals(what, "uidvalidity"));
}

bool read_action(std::string_view& rest, Fault& fault) {
  const std::string_view word = take_word(rest);
  if (iequals(word, "delay")) {
    const auto time = read_time(take_word(rest));
    fault.kind = Fault::Kind::Delay;
    fault.delay = time.value_or(std::chrono::milliseconds(0));
    return time.has_value();
  }
  if (iequals(word, "cut")) {
    fault.kind = Fault::Kind::Cut;
    const std::string_view octets = take_word(rest);
    return octets.empty() || read_number(octets, fault.octets);
  }
  if (iequals(word, "truncate")) {
    fault.kind = Fault::Kind::Truncate;
    return read_number(take_word(rest), fault.octets);
  }
  if (iequals(word, "answer")) {
    fault.kind = Fault::Kind::Answer;
    fault.text = std::string(trim(std::exchange(rest, {})));
    return !fault.text.empty();
  }
  if (iequals(word, "lie")) return read_lie(rest, fault);
  if (iequals(word, "die")) {
    const std::string_view when = take_word(rest);
    fault.kind = iequals(when, "after") ? Fault::Kind::DieAfter : Fault::Kind::DieBefore;
    return iequals(when, "before") || iequals(when, "after");
  }
  return false;
}

bool read_fault(std::string_view line, Fault& fault) {
  if (!iequals(take_word(line), "on")) return false;
  fault.command = to_upper(take_word(line));
  return !fault.command.empty() && read_turns(line, fault) && read_action(line, fault) && trim(line).empty();
}

}  // namespace

Result<FaultScript> parse_fault_script(std::string_view text) {
  if (text.size() > kMaxFaultScript) return fail(Errc::Config, say("a script has at most {} octets", kMaxFaultScript));
  FaultScript script;
  size_t number = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    ++number;
    if (trim(line).empty() || trim(line).starts_with('#')) continue;
    if (script.size() >= kMaxFaults) return fail(Errc::Config, say("a script has at most {} lines", kMaxFaults));
    if (!read_fault(line, script.emplace_back())) {
      return fail(Error{.code = Errc::Config,
                        .what = say("line {}: \"{}\" is no fault", number, printable(trim(line), 80)),
                        .hint = say("as in: on FETCH 2 cut 1000")});
    }
  }
  return script;
}

}  // namespace libsync::server

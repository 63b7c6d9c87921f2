#include "libsync/pop3/grammar.h"

#include <algorithm>
#include <array>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::pop3 {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t'; }

// The next word; `text` goes on behind it.
std::string_view take_word(std::string_view& text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  size_t end = 0;
  while (end < text.size() && !is_space(text[end])) ++end;
  const std::string_view found = text.substr(0, end);
  text.remove_prefix(end);
  return found;
}

bool is_word_end(std::string_view text) {
  return text.empty() || !((text[0] >= '0' && text[0] <= '9') || (text[0] >= 'A' && text[0] <= 'Z') ||
                           (text[0] >= 'a' && text[0] <= 'z'));
}

void add_sasl(Capabilities& capabilities, std::string_view names, Quirks& quirks) {
  for (std::string_view name = take_word(names); !name.empty(); name = take_word(names)) {
    std::string upper = to_upper(name);
    if (std::ranges::find(capabilities.sasl, upper) != capabilities.sasl.end())
      quirks.note(Quirk::RepeatedMechanism);
    else if (capabilities.sasl.size() < kMaxSaslNames)
      capabilities.sasl.push_back(std::move(upper));
  }
}

void add_expire(Capabilities& capabilities, std::string_view value) {
  if (iequals(value, "NEVER"))
    capabilities.expire_never = true;
  else
    capabilities.expire_days = parse_u64(value);
}

}  // namespace

std::optional<StatusLine> parse_status(std::string_view line) {
  StatusLine status;
  if (istarts_with(line, "+OK") && is_word_end(line.substr(3))) {
    status.ok = true;
    line.remove_prefix(3);
  } else if (istarts_with(line, "-ERR") && is_word_end(line.substr(4))) {
    line.remove_prefix(4);
  } else {
    return std::nullopt;
  }
  line = trim(line);
  const size_t end = line.starts_with('[') ? line.find(']') : line.npos;
  if (end != line.npos && end > 1) {
    status.code = to_upper(line.substr(1, end - 1));
    line = trim(line.substr(end + 1));
  }
  status.text = line;
  return status;
}

std::optional<bool> begins_status(std::string_view text) {
  for (const std::string_view word : {"+OK", "-ERR"}) {
    if (!iequals(text.substr(0, word.size()), word.substr(0, text.size()))) continue;
    if (text.size() <= word.size()) return std::nullopt;
    return is_word_end(text.substr(word.size()));
  }
  return false;
}

std::optional<NumberPair> parse_pair(std::string_view text) {
  const auto first = parse_u64(take_word(text));
  const auto second = parse_u64(take_word(text));
  if (!first || !second) return std::nullopt;
  return NumberPair{*first, *second};
}

std::optional<UidlLine> parse_uidl(std::string_view text) {
  const auto number = parse_u64(take_word(text));
  if (!number) return std::nullopt;
  return UidlLine{*number, trim(text)};
}

void add_capability(Capabilities& capabilities, std::string_view line, Quirks& quirks) {
  const std::string_view name = take_word(line);
  struct Flag {
    std::string_view name;
    bool Capabilities::* member;
  };
  static constexpr std::array kFlags = {
      Flag{"TOP", &Capabilities::top},
      Flag{"USER", &Capabilities::user},
      Flag{"UIDL", &Capabilities::uidl},
      Flag{"STLS", &Capabilities::stls},
      Flag{"PIPELINING", &Capabilities::pipelining},
      Flag{"RESP-CODES", &Capabilities::resp_codes},
      Flag{"AUTH-RESP-CODE", &Capabilities::auth_resp_code},
      Flag{"UTF8", &Capabilities::utf8},
      Flag{"LANG", &Capabilities::lang},
  };
  for (const Flag& flag : kFlags) {
    if (iequals(name, flag.name)) capabilities.*flag.member = true;
  }
  if (iequals(name, "EXPIRENEVER")) {
    capabilities.expire_never = true;
    quirks.note(Quirk::ExpireNever);
  }
  if (iequals(name, "SASL")) add_sasl(capabilities, line, quirks);
  if (iequals(name, "UTF8") && iequals(take_word(line), "USER")) capabilities.utf8_user = true;
  if (iequals(name, "LOGIN-DELAY")) capabilities.login_delay = parse_u64(take_word(line));
  if (iequals(name, "EXPIRE")) add_expire(capabilities, take_word(line));
  if (iequals(name, "IMPLEMENTATION")) capabilities.implementation = trim(line);
}

std::string_view find_timestamp(std::string_view banner) {
  const size_t begin = banner.find('<');
  const size_t end = begin == banner.npos ? banner.npos : banner.find('>', begin);
  if (end == banner.npos) return {};
  const std::string_view stamp = banner.substr(begin, end - begin + 1);
  const std::string_view inside = stamp.substr(1, stamp.size() - 2);
  const bool plain = std::ranges::all_of(inside, [](char c) { return c > 0x20 && c < 0x7F && c != '<'; });
  const size_t at = inside.find('@');
  const bool one_at = at != inside.npos && inside.find('@', at + 1) == inside.npos;
  return plain && one_at && at > 0 && at + 1 < inside.size() ? stamp : std::string_view();
}

std::string_view other_protocol(std::string_view greeting) {
  struct Row {
    std::string_view prefix, name;
  };
  static constexpr std::array kRows = {
      Row{"* OK", "IMAP"},       Row{"* PREAUTH", "IMAP"},  Row{"* BYE", "IMAP"},
      Row{"220", "SMTP or FTP"}, Row{"421", "SMTP or FTP"}, Row{"554", "SMTP"},
      Row{"HTTP/", "HTTP"},      Row{"<", "HTTP"},          Row{"SSH-", "SSH"},
      Row{"200 ", "NNTP"},       Row{"201 ", "NNTP"},       Row{"RFB ", "VNC"},
      Row{"\x15\x03", "TLS"},    Row{"\x16\x03", "TLS"},    Row{"\"IMPLEMENTATION\"", "ManageSieve"},
  };
  for (const Row& row : kRows) {
    if (istarts_with(greeting, row.prefix)) return row.name;
  }
  return {};
}

bool asks_to_wait(std::string_view text) {
  // In capitals; never a word that a wrong password alone could bring.
  static constexpr std::array<std::string_view, 6> kWords = {
      "LOGIN FREQUENCY LIMITED",            // QQ
      "RATE LIMIT",                         // Yahoo
      "COMMAND OR BANDWIDTH LIMITS",        // Gmail
      "TOO MANY SIMULTANEOUS CONNECTIONS",  // Gmail, iCloud
      "TOO MANY CONNECTIONS",               // iCloud
      "TOO MANY LOGIN",                     // NetEase, Sina
  };
  const std::string upper = to_upper(text);
  return std::ranges::any_of(kWords, [&](std::string_view words) { return upper.contains(words); });
}

Error refusal(std::string what, const StatusLine& status, const Capabilities& capabilities, Errc fallback) {
  Error error{.code = fallback, .what = std::move(what)};
  error.server = printable(status.code.empty() ? status.text : "[" + status.code + "] " + status.text);
  if (status.code == "AUTH") {
    error.code = Errc::Auth;
  } else if (status.code == "IN-USE") {
    error.code = Errc::Refused;
    error.retry = true;
    error.hint = say("another program has the maildrop open");
  } else if (status.code == "LOGIN-DELAY") {
    error.code = Errc::Refused;
    error.retry = true;
    error.retry_after = std::chrono::seconds(std::min<uint64_t>(capabilities.login_delay.value_or(0), kMaxPause));
    error.hint = error.retry_after.count() == 0
                     ? say("the server wants more time between logins")
                     : say("the server wants {} between logins", human_duration(error.retry_after));
  } else if (status.code == "SYS/TEMP") {
    error.code = Errc::Refused;
    error.retry = true;
    error.hint = say("a passing trouble of the server");
  } else if (status.code == "SYS/PERM") {
    error.code = Errc::Refused;
    error.hint = say("the server's operator has to mend this");
  } else if (status.code == "UTF8") {
    error.code = Errc::Refused;
    error.hint = say("the text is in UTF-8, and the server grants no UTF8 in this session (RFC 6856)");
  } else if (status.code == "LIMIT" || asks_to_wait(status.text)) {
    error.code = Errc::Refused;
    error.retry = true;
    error.retry_after = kPauseOfLimits;
    error.hint = say("a limit of the server's; it passes if it is left alone for a while");
  }
  return error;
}

}  // namespace libsync::pop3

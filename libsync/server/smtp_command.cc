#include "libsync/server/smtp_command.h"

#include <algorithm>

#include "libsync/base/text.h"

namespace libsync::server {
namespace {

// RFC 5321, section 4.5.3.1
constexpr size_t kMaxLocalPart = 64, kMaxDomain = 255, kMaxPath = 256;

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'); }
bool is_beyond_ascii(char c) { return static_cast<unsigned char>(c) >= 0x80; }
bool is_atext(char c) {
  return is_alnum(c) || is_beyond_ascii(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c);
}
bool is_printing(char c) { return (c > ' ' && c < 0x7F) || is_beyond_ascii(c); }

// Octets at the front that are such, in words with a dot between each two; 0: none.
template <class Is>
size_t dotted(std::string_view text, Is is) {
  size_t at = 0;
  while (true) {
    const size_t word = at;
    while (at < text.size() && is(text[at])) ++at;
    if (at == word) return word == 0 ? 0 : word - 1;
    if (at == text.size() || text[at] != '.') return at;
    ++at;
  }
}

size_t quoted(std::string_view text) {
  for (size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"') return at + 1;
    if (text[at] == '\\') ++at;
    if (at < text.size() && text[at] != ' ' && !is_printing(text[at])) return 0;
  }
  return 0;
}

size_t domain(std::string_view text) {
  if (!text.starts_with('[')) return dotted(text, [](char c) { return is_alnum(c) || c == '-' || is_beyond_ascii(c); });
  const size_t end = text.find(']');
  if (end == text.npos || end == 1) return 0;
  const auto inside = text.substr(1, end - 1);
  return std::ranges::all_of(inside, [](char c) { return is_alnum(c) || std::string_view(".:-").contains(c); })
             ? end + 1
             : 0;
}

// "@one,@two:" at the front: octets of it.
size_t source_route(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && text[at] == '@') {
    const size_t name = domain(text.substr(at + 1));
    if (name == 0) return 0;
    at += 1 + name;
    if (at == text.size()) return 0;
    if (text[at] == ':') return at + 1;
    if (text[at] != ',') return 0;
    ++at;
  }
  return 0;
}

}  // namespace

std::string_view take_word(std::string_view& rest) {
  const size_t space = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, space);
  rest.remove_prefix(std::min(space + 1, rest.size()));
  return word;
}

std::optional<SmtpPath> parse_path(std::string_view text, std::string_view word) {
  if (!istarts_with(text, word) || text.size() == word.size() || text[word.size()] != ':') return std::nullopt;
  text.remove_prefix(word.size() + 1);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  if (!text.starts_with('<')) return std::nullopt;
  const std::string_view whole = text;
  text.remove_prefix(1);
  const size_t route = source_route(text);
  text.remove_prefix(route);
  const std::string_view start = text;
  SmtpPath path;
  if (route > 0 || !text.starts_with('>')) {
    const size_t local = text.starts_with('"') ? quoted(text) : dotted(text, is_atext);
    if (local == 0) return std::nullopt;
    path.too_long = local > kMaxLocalPart;
    const bool alone = iequals(text.substr(0, local), "postmaster");
    text.remove_prefix(local);
    if (text.starts_with('@')) {
      const size_t name = domain(text.substr(1));
      if (name == 0) return std::nullopt;
      path.too_long = path.too_long || name > kMaxDomain;
      text.remove_prefix(1 + name);
    } else if (!alone) {
      return std::nullopt;
    }
  }
  if (!text.starts_with('>')) return std::nullopt;
  path.address = start.substr(0, start.size() - text.size());
  text.remove_prefix(1);
  path.too_long = path.too_long || whole.size() - text.size() > kMaxPath;
  path.ascii = is_ascii(path.address);
  if (!path.ascii && !is_valid_utf8(path.address)) return std::nullopt;
  if (!text.empty() && !text.starts_with(' ')) return std::nullopt;
  path.rest = trim(text);
  return path;
}

std::optional<std::vector<SmtpParameter>> parse_parameters(std::string_view text) {
  std::vector<SmtpParameter> parameters;
  while (!text.empty()) {
    const std::string_view word = take_word(text);
    if (word.empty()) continue;  // a space too many
    const size_t equals = std::min(word.find('='), word.size());
    SmtpParameter parameter{.keyword = word.substr(0, equals)};
    if (equals < word.size()) parameter.value = word.substr(equals + 1);
    const auto& [keyword, value] = parameter;
    if (keyword.empty() || keyword.front() == '-' ||
        !std::ranges::all_of(keyword, [](char c) { return is_alnum(c) || c == '-'; })) {
      return std::nullopt;
    }
    if (value && (value->empty() || !std::ranges::all_of(*value, [](char c) { return c != '=' && is_printing(c); }))) {
      return std::nullopt;
    }
    if (std::ranges::any_of(parameters, [&](const auto& each) { return iequals(each.keyword, keyword); })) {
      return std::nullopt;
    }
    parameters.push_back(parameter);
  }
  return parameters;
}

bool is_client_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxDomain &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || std::string_view("-_.:[]").contains(c); });
}

}  // namespace libsync::server

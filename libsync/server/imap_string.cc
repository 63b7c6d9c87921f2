#include "libsync/server/imap_string.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "libsync/base/text.h"
#include "libsync/imap/limits.h"
#include "libsync/mime/header.h"

namespace libsync::server {
namespace {

enum Octet : uint8_t { kAtom = 0, kPlain = 1, kEscaped = 2, kEightBit = 4, kControl = 8, kNul = 16 };

constexpr std::array<uint8_t, 256> make_octets() {
  std::array<uint8_t, 256> table{};
  for (size_t c = 0; c < table.size(); ++c) {
    table[c] = c >= 0x80 ? kEightBit : c < 0x20 || c == 0x7F ? kControl : kAtom;
  }
  for (const char c : {'(', ')', '{', ' ', '%', '*', ']', '\t'}) table[static_cast<size_t>(c)] = kPlain;
  for (const char c : {'"', '\\'}) table[static_cast<size_t>(c)] = kEscaped;
  table[0] = kNul;
  return table;
}
constexpr std::array<uint8_t, 256> kOctets = make_octets();

unsigned kinds_in(std::string_view text) {
  unsigned kinds = 0;
  for (const char c : text) kinds |= kOctets[static_cast<uint8_t>(c)];
  return kinds;
}

void append_quoted(std::string_view text, bool escape, std::string& out) {
  out += '"';
  if (escape) {
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  } else {
    out += text;
  }
  out += '"';
}

}  // namespace

void append_number(uint64_t number, std::string& out) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_literal_head(uint64_t size, bool has_nul, std::string& out) {
  out += has_nul ? "~{" : "{";
  append_number(size, out);
  out += "}\r\n";
}

void append_string(std::string_view text, bool utf8, std::string& out) {
  const unsigned kinds = kinds_in(text);
  const bool eight_bit = (kinds & kEightBit) != 0;
  const bool literal = text.size() > imap::kMaxQuoted || (kinds & (kControl | kNul)) != 0 ||
                       (eight_bit && (!utf8 || !is_valid_utf8(text)));
  if (!literal) return append_quoted(text, (kinds & kEscaped) != 0, out);
  append_literal_head(text.size(), (kinds & kNul) != 0, out);
  out += text;
}

void append_nstring(const std::optional<std::string_view>& text, bool utf8, std::string& out) {
  if (!text) {
    out += "NIL";
  } else {
    append_string(*text, utf8, out);
  }
}

void append_astring(std::string_view text, bool utf8, std::string& out) {
  // NIL is an atom that means something else.
  const bool atom = !text.empty() && text.size() <= imap::kMaxQuoted && kinds_in(text) == 0 && !iequals(text, "NIL");
  if (atom) {
    out += text;
  } else {
    append_string(text, utf8, out);
  }
}

void append_header_text(std::string_view value, bool utf8, std::string& out) {
  value = trim(value);
  constexpr std::string_view kNever("\r\n\0", 3);
  if (value.find_first_of(kNever) == value.npos) return append_string(value, utf8, out);
  std::string clean(value);
  std::erase_if(clean, [&](char c) { return kNever.find(c) != kNever.npos; });
  append_string(clean, utf8, out);
}

}  // namespace libsync::server

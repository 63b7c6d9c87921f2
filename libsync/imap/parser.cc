#include "libsync/imap/parser.h"

#include <algorithm>
#include <array>

#include "libsync/base/text.h"

namespace libsync::imap {
namespace {

// ATOM-CHAR of RFC 9051, section 9, with ']' (resp-specials), which occurs in item names, and with the 8-bit
// octets that servers send in names.
constexpr std::array<bool, 256> make_atom_chars() {
  std::array<bool, 256> table{};
  for (int c = 0x21; c < 256; ++c) table[static_cast<size_t>(c)] = c != 0x7F;
  for (const char c : {'(', ')', '{', '"', '\\', '%', '*'}) table[static_cast<size_t>(c)] = false;
  return table;
}
constexpr std::array<bool, 256> kAtomChars = make_atom_chars();
bool is_atom_char(char c) { return kAtomChars[static_cast<unsigned char>(c)]; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool Parser::ch(char c) {
  if (peek() != c || at_end()) return false;
  ++at_;
  return true;
}

bool Parser::expect_ch(char c) {
  if (ch(c)) return true;
  return malformed(c == '(' ? "'(' is missing" : c == ')' ? "')' is missing" : "a character is missing");
}

bool Parser::space() {
  if (!ch(' ')) return false;
  if (peek() == ' ') stray_space();
  return true;
}

bool Parser::expect_space() { return space() || malformed("a space is missing"); }

void Parser::stray_space() {
  if (peek() != ' ') return;
  while (ch(' ')) {
  }
  note(Quirk::ExtraSpace);
}

std::string_view Parser::atom() {
  const size_t start = at_;
  while (at_ < text_.size() && is_atom_char(text_[at_])) ++at_;
  return text_.substr(start, at_ - start);
}

std::string_view Parser::word() {
  const size_t start = at_;
  while (at_ < text_.size() && text_[at_] != ' ' && text_[at_] != '(' && text_[at_] != ')') ++at_;
  return text_.substr(start, at_ - start);
}

std::string_view Parser::flag() {
  const size_t start = at_;
  if (ch('\\') && ch('*')) return text_.substr(start, 2);
  if (atom().empty()) {
    at_ = start;
    return {};
  }
  return text_.substr(start, at_ - start);
}

bool Parser::expect_atom(std::string_view& out) {
  out = atom();
  return !out.empty() || malformed("an atom is missing");
}

std::optional<uint64_t> Parser::number() {
  size_t end = at_;
  while (end < text_.size() && is_digit(text_[end])) ++end;
  const auto value = parse_u64(text_.substr(at_, end - at_));
  if (value) at_ = end;
  return value;
}

std::optional<uint64_t> Parser::expect_number() {
  const size_t start = at_;
  if (ch('-')) {
    if (number()) {
      note(Quirk::NegativeNumber);
      return 0;
    }
    at_ = start;
  }
  const auto value = number();
  if (!value) malformed("a number is missing");
  return value;
}

std::optional<uint32_t> Parser::expect_number32() {
  const auto value = expect_number();
  if (!value) return std::nullopt;
  if (*value > UINT32_MAX) {
    malformed("a number is too large");
    return std::nullopt;
  }
  return static_cast<uint32_t>(*value);
}

bool Parser::nil() {
  if (!istarts_with(rest(), "NIL")) return false;
  if (at_ + 3 < text_.size() && is_atom_char(text_[at_ + 3])) return false;
  at_ += 3;
  return true;
}

bool Parser::quoted(std::string& out) {
  const size_t start = at_;
  out.clear();
  ++at_;
  while (at_ < text_.size()) {
    const size_t stop = text_.find_first_of("\"\\", at_);
    if (stop == std::string_view::npos) break;
    out.append(text_.substr(at_, stop - at_));
    at_ = stop + 1;
    if (text_[stop] == '"') return true;
    if (at_ < text_.size()) out += text_[at_++];
  }
  at_ = start;
  return malformed("a quoted string does not end");
}

// The literal announced at the cursor; the cursor moves behind its octets.
const Literal* Parser::literal() {
  // "~{", 20 digits, "+}" CRLF: what is further away is not announced here, and not looked for.
  constexpr size_t kMaxHead = 26;
  const auto each = std::ranges::upper_bound(literals_, at_, {}, &Literal::at);
  if (each == literals_.end() || each->at - at_ > kMaxHead) return nullptr;
  const size_t head = text_.find('\n', at_);
  if (head == std::string_view::npos || head + 1 != each->at) return nullptr;
  at_ = each->at + static_cast<size_t>(each->streamed ? 0 : each->size);
  return &*each;
}

bool Parser::string(std::string& out) {
  if (peek() == '"') return quoted(out);
  if (peek() != '{' && peek() != '~') return false;
  const size_t start = at_;
  const Literal* found = literal();
  if (found == nullptr || found->streamed) {
    at_ = start;
    return false;
  }
  out.assign(text_.substr(found->at, static_cast<size_t>(found->size)));
  return true;
}

bool Parser::astring(std::string& out) {
  if (string(out)) return true;
  const std::string_view text = atom();
  out.assign(text);
  return !text.empty();
}

bool Parser::expect_astring(std::string& out) { return astring(out) || malformed("a string is missing"); }

bool Parser::nstring(Text& out) {
  if (nil()) {
    out = {};
    return true;
  }
  if (string(out.text)) {
    out.kind = Text::Kind::Here;
    out.size = out.text.size();
    return true;
  }
  const size_t start = at_;
  if (peek() == '{' || peek() == '~') {
    if (const Literal* found = literal(); found != nullptr && found->streamed) {
      out = {.kind = Text::Kind::Streamed, .size = found->size};
      return true;
    }
  }
  at_ = start;
  return false;
}

bool Parser::expect_nstring(std::optional<std::string>& out) {
  if (nil()) {
    out.reset();
    return true;
  }
  std::string text;
  if (!string(text)) return malformed("a string or NIL is missing");
  out = std::move(text);
  return true;
}

void Parser::note_raw_bytes(std::string_view name) {
  const auto is_8bit = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
  if (std::ranges::any_of(name, is_8bit)) note(Quirk::RawBytesInName);
}

bool Parser::skip_value() {
  int depth = 0;
  std::string ignored;
  do {
    if (at_end()) return malformed("a list does not end");
    if (ch('(')) {
      if (++depth > kMaxDepth) return malformed("too many parentheses");
      continue;
    }
    if (depth > 0 && ch(')')) {
      --depth;
      continue;
    }
    if (depth > 0 && ch(' ')) continue;
    Text value;
    if (!nstring(value) && flag().empty() && !ch('%') && !ch('*')) return malformed("not a value");
  } while (depth > 0);
  return true;
}

bool Parser::pass_over() {
  while (!at_value_end()) {
    const size_t start = at_;
    if (skip_value()) continue;
    // An octet that no value may hold; a string or a list that does not end is not to be passed.
    at_ = start;
    if (peek() == '(' || peek() == '"') return false;
    ++at_;
  }
  return true;
}

}  // namespace libsync::imap

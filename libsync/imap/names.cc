#include "libsync/imap/names.h"

#include <cstdint>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/imap/limits.h"

namespace libsync::imap {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

// The next character of valid UTF-8.
char32_t next_char(std::string_view text, size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  char32_t c = lead & (0x3F >> more);
  for (int i = 0; i < more; ++i) c = c << 6 | (static_cast<unsigned char>(text[at++]) & 0x3F);
  return c;
}

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  const int more = c >= 0x10000 ? 3 : c >= 0x800 ? 2 : 1;
  static constexpr unsigned kLead[] = {0, 0xC0, 0xE0, 0xF0};
  out += static_cast<char>(kLead[more] | c >> (6 * more));
  for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | (c >> (6 * i) & 0x3F));
}

// One run of UTF-16 in modified base64.
class Shift {
 public:
  void unit(std::string& out, uint32_t value) {
    if (!open_) out += '&';
    open_ = true;
    bits_ = bits_ << 16 | value;
    for (count_ += 16; count_ >= 6; count_ -= 6) out += kBase64[bits_ >> (count_ - 6) & 0x3F];
  }
  void close(std::string& out) {
    if (!open_) return;
    if (count_ > 0) out += kBase64[bits_ << (6 - count_) & 0x3F];
    out += '-';
    *this = {};
  }

 private:
  bool open_ = false;
  uint64_t bits_ = 0;
  int count_ = 0;
};

// What stands between '&' and '-' to UTF-8. Canonical form is checked by encoding again.
bool decode_shifted(std::string_view base64, std::string& out) {
  uint64_t bits = 0;
  int count = 0;
  char32_t high = 0;
  for (const char c : base64) {
    const size_t value = kBase64.find(c);
    if (value == std::string_view::npos) return false;
    bits = bits << 6 | value;
    count += 6;
    if (count < 16) continue;
    count -= 16;
    const auto unit = static_cast<char32_t>(bits >> count & 0xFFFF);
    const bool is_low = unit >= 0xDC00 && unit <= 0xDFFF;
    if ((high != 0) != is_low || unit == 0) return false;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
      high = unit;
      continue;
    }
    append_utf8(out, is_low ? 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00) : unit);
    high = 0;
  }
  return high == 0;
}

bool is_printable_ascii(char c) { return c >= 0x20 && c <= 0x7E; }

// Where the component that starts at `at` ends. A delimiter that is a base64 character does not count
// between '&' and '-'.
size_t component_end(std::string_view wire, size_t at, char delimiter, bool shifts) {
  if (!shifts || kBase64.find(delimiter) == std::string_view::npos) return wire.find(delimiter, at);
  bool inside = false;
  for (; at < wire.size(); ++at) {
    if (!inside && wire[at] == delimiter) return at;
    if (wire[at] == '&') inside = true;
    if (wire[at] == '-') inside = false;
  }
  return std::string_view::npos;
}

std::string valid_text(std::string_view raw) {
  return is_valid_utf8(raw) ? std::string(raw) : printable(raw, raw.size() * 3 + 4);
}

}  // namespace

std::optional<std::string> encode_mutf7(std::string_view utf8) {
  if (!is_valid_utf8(utf8)) return std::nullopt;
  std::string out;
  Shift shift;
  for (size_t at = 0; at < utf8.size();) {
    const char32_t c = next_char(utf8, at);
    if (c < 0x80 && is_printable_ascii(static_cast<char>(c))) {
      shift.close(out);
      out += static_cast<char>(c);
      if (c == '&') out += '-';
    } else if (c >= 0x10000) {
      shift.unit(out, 0xD800 + ((c - 0x10000) >> 10));
      shift.unit(out, 0xDC00 + ((c - 0x10000) & 0x3FF));
    } else {
      shift.unit(out, c);
    }
  }
  shift.close(out);
  return out;
}

std::optional<std::string> decode_mutf7(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (!is_printable_ascii(text[at])) return std::nullopt;
    if (text[at] != '&') {
      out += text[at++];
      continue;
    }
    const size_t end = text.find('-', at);
    if (end == std::string_view::npos) return std::nullopt;
    if (end == at + 1) {
      out += '&';
    } else if (!decode_shifted(text.substr(at + 1, end - at - 1), out)) {
      return std::nullopt;
    }
    at = end + 1;
  }
  if (encode_mutf7(out) != text) return std::nullopt;
  return out;
}

SplitName split_name(std::string_view wire, char delimiter, bool utf8_names) {
  SplitName split;
  for (size_t at = 0;;) {
    const size_t end = delimiter == '\0' ? std::string_view::npos : component_end(wire, at, delimiter, !utf8_names);
    const std::string_view raw = wire.substr(at, end == std::string_view::npos ? end : end - at);
    std::optional<std::string> text;
    if (!utf8_names) {
      text = decode_mutf7(raw);
    } else if (is_valid_utf8(raw)) {
      text = raw;
    }
    if (!text) split.canonical = false;
    split.components.push_back(text ? *std::move(text) : valid_text(raw));
    if (end == std::string_view::npos) break;
    at = end + 1;
  }
  // Some servers list a parent with the delimiter at its end.
  if (split.components.size() > 1 && split.components.back().empty()) split.components.pop_back();
  if (iequals(split.components.front(), "INBOX")) split.components.front() = "INBOX";
  return split;
}

Result<std::string> join_name(const std::vector<std::string>& path, char delimiter, bool utf8_names) {
  if (path.empty() || (path.size() > 1 && delimiter == '\0')) {
    return fail(Errc::Usage, say("the server has no folders within folders"));
  }
  std::string wire;
  for (const std::string& component : path) {
    const bool control = component.find_first_of(std::string_view("\0\r\n\x7F", 4)) != std::string::npos;
    const bool delimits = delimiter != '\0' && component.find(delimiter) != std::string::npos;
    auto text = utf8_names && is_valid_utf8(component) ? std::optional(component) : encode_mutf7(component);
    if (component.empty() || control || delimits || !text) {
      return fail(Errc::Usage, say("the server can't have a folder named \"{}\"", printable(component)));
    }
    if (&component != &path.front()) wire += delimiter;
    wire += *text;
  }
  if (wire.size() > kMaxMailboxName) return fail(Errc::Usage, say("a folder's name is too long"));
  return wire;
}

}  // namespace libsync::imap

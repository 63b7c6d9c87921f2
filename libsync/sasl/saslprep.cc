#include "libsync/sasl/saslprep.h"

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::sasl {
namespace {

// The next character of valid UTF-8.
char32_t take(std::string_view& text) {
  const auto lead = static_cast<uint8_t>(text.front());
  const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t code = length == 1 ? lead : lead & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) code = code << 6 | (static_cast<uint8_t>(text[i]) & 0x3FU);
  text.remove_prefix(length);
  return code;
}

// RFC 3454, table C.1.2.
bool is_foreign_space(char32_t c) {
  return c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200B) || c == 0x202F || c == 0x205F || c == 0x3000;
}

// RFC 3454, table B.1, without U+200B, which counts as a space (RFC 4013, section 2.1).
bool maps_to_nothing(char32_t c) {
  return c == 0xAD || c == 0x34F || c == 0x1806 || (c >= 0x180B && c <= 0x180D) || c == 0x200C || c == 0x200D ||
         c == 0x2060 || (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF;
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7F && c <= 0x9F); }

}  // namespace

Result<std::string> saslprep(std::string_view text, std::string_view what) {
  if (!is_valid_utf8(text)) return fail(Errc::Auth, say("the {} is not valid UTF-8", what));
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view before = text;
    const char32_t c = take(text);
    if (is_control(c)) return fail(Errc::Auth, say("the {} holds a control character", what));
    if (maps_to_nothing(c)) continue;
    if (is_foreign_space(c))
      out += ' ';
    else
      out += before.substr(0, before.size() - text.size());
  }
  return out;
}

}  // namespace libsync::sasl

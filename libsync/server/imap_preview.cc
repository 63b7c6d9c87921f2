#include "libsync/server/imap_preview.h"

#include <string_view>

#include "libsync/mime/body.h"

namespace libsync::server {
namespace {

// What is read for it: white space and invisible characters at a text's beginning may be many.
constexpr uint64_t kMostText = 16 << 10;
constexpr uint64_t kMostSource = 1 << 20;  // of HTML before its first word

bool is_space(char32_t c) {
  return (c >= '\t' && c <= '\r') || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

// Controls, marks and overrides of direction, the byte order mark, and what newsletters fill their previews with.
bool is_left_out(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x34F || c == 0x200B || c == 0x200E || c == 0x200F ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

size_t length_of(char lead) {
  const auto octet = static_cast<uint8_t>(lead);
  return octet < 0x80 ? 1 : octet < 0xE0 ? 2 : octet < 0xF0 ? 3 : 4;
}

char32_t code_of(std::string_view character) {
  const auto lead = static_cast<uint8_t>(character.front());
  char32_t code = character.size() == 1 ? lead : lead & (0xFFU >> (character.size() + 1));
  for (const char c : character.substr(1)) code = code << 6 | (static_cast<uint8_t>(c) & 0x3FU);
  return code;
}

}  // namespace

std::string preview_of(const mime::Message& message, mime::Converters& converters) {
  const std::string text = mime::text_of(message, converters, {.max_bytes = kMostText, .max_source = kMostSource});
  std::string out;
  bool gap = false;
  size_t characters = 0;
  for (size_t at = 0; at < text.size();) {
    const std::string_view character = std::string_view(text).substr(at, length_of(text[at]));
    at += character.size();
    const char32_t code = code_of(character);
    if (is_space(code)) {
      gap = !out.empty();
      continue;
    }
    if (is_left_out(code)) continue;
    if (characters + (gap ? 2 : 1) > kMaxPreview) break;
    if (gap) out += ' ';
    characters += gap ? 2 : 1;
    gap = false;
    out += character;
  }
  return out;
}

}  // namespace libsync::server

// Comparing without regard to case: i;ascii-casemap and what of i;unicode-casemap (RFC 5051) needs no table of its own.
#include <algorithm>
#include <clocale>
#include <cstring>
#include <cwctype>

#include "libsync/base/text.h"
#include "libsync/mime/charset.h"
#include "libsync/server/imap_search.h"

namespace libsync::server {
namespace {

// The C library's tables, whatever the user's locale is. Its names of it: made once, never freed.
locale_t utf8_locale() {
  static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

char32_t fold(char32_t code) {
  if (code < 0x80) return static_cast<char32_t>(static_cast<unsigned char>(ascii_lower(static_cast<char>(code))));
  const locale_t locale = utf8_locale();
  if (locale == nullptr) return code;
  return static_cast<char32_t>(towlower_l(towupper_l(static_cast<wint_t>(code), locale), locale));
}

// `text` is valid UTF-8.
char32_t next_code_point(std::string_view text, size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  char32_t code = lead & (0x3F >> more);
  for (; more > 0 && at < text.size(); --more) code = (code << 6) | (static_cast<unsigned char>(text[at++]) & 0x3F);
  return code;
}

}  // namespace

std::string fold_case(std::string_view utf8) {
  std::string valid;
  valid.reserve(utf8.size());
  mime::append_valid_utf8(utf8, valid);
  std::string out;
  out.reserve(valid.size());
  for (size_t at = 0; at < valid.size();) mime::append_code_point(fold(next_code_point(valid, at)), out);
  return out;
}

bool contains_folded(std::string_view utf8, std::string_view folded) {
  if (folded.empty()) return true;
  // A long one is looked for in time that does not grow with both lengths.
  constexpr size_t kLong = 64;
  if (!is_ascii(folded) || folded.size() > kLong) {
    const std::string text = fold_case(utf8);
    return memmem(text.data(), text.size(), folded.data(), folded.size()) != nullptr;
  }
  // No octet of a longer character is one of ASCII.
  const char lower = folded.front();
  const char upper = ascii_upper(lower);
  for (size_t at = 0; at + folded.size() <= utf8.size(); ++at) {
    if (utf8[at] != lower && utf8[at] != upper) continue;
    if (iequals(utf8.substr(at, folded.size()), folded)) return true;
  }
  return false;
}

}  // namespace libsync::server

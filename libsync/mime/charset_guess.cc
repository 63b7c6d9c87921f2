#include "libsync/mime/charset_guess.h"

#include <algorithm>
#include <cstdint>

namespace libsync::mime {
namespace {

constexpr size_t kSample = 16 << 10;  // enough to tell; a guess must not read a whole attachment

struct Euc {  // two bytes from 0xA1 up each: EUC-CN, EUC-JP
  size_t pairs = 0, kana = 0, hanzi = 0;
  bool fits = true;
};

Euc look_for_euc(std::string_view bytes) {
  Euc seen;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto lead = static_cast<uint8_t>(bytes[i]);
    if (lead < 0x80) continue;
    if (i + 1 == bytes.size()) break;  // cut
    const auto trail = static_cast<uint8_t>(bytes[++i]);
    if (lead < 0xA1 || lead == 0xFF || trail < 0xA1 || trail == 0xFF) {
      seen.fits = false;
      return seen;
    }
    ++seen.pairs;
    if (lead == 0xA4 || lead == 0xA5) ++seen.kana;
    if (lead >= 0xB0 && lead <= 0xF7) ++seen.hanzi;
  }
  return seen;
}

// Shift-JIS with at least one kana in two bytes: without, Latin text with accents looks alike.
bool is_shift_jis(std::string_view bytes) {
  size_t kana = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto lead = static_cast<uint8_t>(bytes[i]);
    if (lead < 0x80 || (lead >= 0xA1 && lead <= 0xDF)) continue;
    if (lead == 0x80 || lead == 0xA0 || lead > 0xFC) return false;
    if (i + 1 == bytes.size()) break;
    const auto trail = static_cast<uint8_t>(bytes[++i]);
    if (trail < 0x40 || trail == 0x7F || trail > 0xFC) return false;
    if ((lead == 0x82 && trail >= 0x9F && trail <= 0xF1) || (lead == 0x83 && trail <= 0x96)) ++kana;
  }
  return kana > 0;
}

}  // namespace

std::string_view guess_charset(std::string_view bytes) {
  bytes = bytes.substr(0, kSample);
  if (bytes.find("\x1B$") != bytes.npos || bytes.find("\x1B(J") != bytes.npos) return "ISO-2022-JP";
  const Euc euc = look_for_euc(bytes);
  // One pair alone is as likely two accented letters.
  if (euc.fits && euc.pairs >= 2) {
    if (euc.kana * 3 >= euc.pairs) return "EUC-JP-MS";
    if (euc.hanzi * 2 >= euc.pairs) return "GB18030";
  }
  return is_shift_jis(bytes) ? "CP932" : "CP1252";
}

}  // namespace libsync::mime

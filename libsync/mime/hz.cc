// HZ (RFC 1843): GB 2312 in seven bits, between "~{" and "~}". The C library's iconv has no such charset; with
// their eighth bits set the pairs are EUC-CN, which GB18030 holds.
#include "libsync/mime/charset.h"

namespace libsync::mime {
namespace {

constexpr std::string_view kReplacement = "\x84\x31\xA4\x37";  // U+FFFD in GB18030

bool in_94(char c) { return c >= 0x21 && c <= 0x7E; }
char with_eighth_bit(char c) { return static_cast<char>(static_cast<uint8_t>(c) | 0x80U); }

}  // namespace

bool Converters::convert_hz(std::string_view bytes, std::string& out, size_t& bad) {
  bool chinese = false;
  std::string euc;
  for (size_t at = 0; at < bytes.size(); ++at) {
    const char c = bytes[at];
    const char next = at + 1 < bytes.size() ? bytes[at + 1] : '\0';
    if (c == '\n') {  // senders forget the "~}": no text goes on over a line's end
      chinese = false;
      euc += c;
    } else if (c == '~' && next == (chinese ? '}' : '{')) {
      chinese = !chinese;
      ++at;
    } else if (!chinese && c == '~' && (next == '~' || next == '\n' || next == '\r')) {
      if (next == '~') euc += '~';  // else a line that goes on
      at += bytes.substr(at + 1).starts_with("\r\n") ? 2 : 1;
    } else if (chinese && in_94(c) && in_94(next)) {
      euc += with_eighth_bit(c);
      euc += with_eighth_bit(next);
      ++at;
    } else if (chinese && in_94(c)) {  // half a character
      euc += kReplacement;
      ++bad;
    } else {
      euc += c;
    }
  }
  return convert("GB18030", euc, out, bad);
}

}  // namespace libsync::mime

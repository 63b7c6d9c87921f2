// Character references of HTML: numbers, and the names of HTML 4, which are those that mail has.
#include <algorithm>
#include <array>
#include <utility>

#include "libsync/mime/charset.h"
#include "libsync/mime/html.h"
#include "libsync/mime/transfer.h"

namespace libsync::mime {
namespace {

using Name = std::pair<std::string_view, char16_t>;

constexpr auto kNames = std::to_array<Name>({
    {"AElig", 198},   {"Aacute", 193},  {"Acirc", 194},   {"Agrave", 192},  {"Alpha", 913},   {"Aring", 197},
    {"Atilde", 195},  {"Auml", 196},    {"Beta", 914},    {"Ccedil", 199},  {"Chi", 935},     {"Dagger", 8225},
    {"Delta", 916},   {"ETH", 208},     {"Eacute", 201},  {"Ecirc", 202},   {"Egrave", 200},  {"Epsilon", 917},
    {"Eta", 919},     {"Euml", 203},    {"Gamma", 915},   {"Iacute", 205},  {"Icirc", 206},   {"Igrave", 204},
    {"Iota", 921},    {"Iuml", 207},    {"Kappa", 922},   {"Lambda", 923},  {"Mu", 924},      {"Ntilde", 209},
    {"Nu", 925},      {"OElig", 338},   {"Oacute", 211},  {"Ocirc", 212},   {"Ograve", 210},  {"Omega", 937},
    {"Omicron", 927}, {"Oslash", 216},  {"Otilde", 213},  {"Ouml", 214},    {"Phi", 934},     {"Pi", 928},
    {"Prime", 8243},  {"Psi", 936},     {"Rho", 929},     {"Scaron", 352},  {"Sigma", 931},   {"THORN", 222},
    {"Tau", 932},     {"Theta", 920},   {"Uacute", 218},  {"Ucirc", 219},   {"Ugrave", 217},  {"Upsilon", 933},
    {"Uuml", 220},    {"Xi", 926},      {"Yacute", 221},  {"Yuml", 376},    {"Zeta", 918},    {"aacute", 225},
    {"acirc", 226},   {"acute", 180},   {"aelig", 230},   {"agrave", 224},  {"alpha", 945},   {"amp", 38},
    {"apos", 39},     {"aring", 229},   {"asymp", 8776},  {"atilde", 227},  {"auml", 228},    {"bdquo", 8222},
    {"beta", 946},    {"brvbar", 166},  {"bull", 8226},   {"ccedil", 231},  {"cedil", 184},   {"cent", 162},
    {"chi", 967},     {"circ", 710},    {"copy", 169},    {"curren", 164},  {"dagger", 8224}, {"darr", 8595},
    {"deg", 176},     {"delta", 948},   {"divide", 247},  {"eacute", 233},  {"ecirc", 234},   {"egrave", 232},
    {"emsp", 8195},   {"ensp", 8194},   {"epsilon", 949}, {"eta", 951},     {"eth", 240},     {"euml", 235},
    {"euro", 8364},   {"fnof", 402},    {"frac12", 189},  {"frac14", 188},  {"frac34", 190},  {"gamma", 947},
    {"ge", 8805},     {"gt", 62},       {"harr", 8596},   {"hearts", 9829}, {"hellip", 8230}, {"iacute", 237},
    {"icirc", 238},   {"iexcl", 161},   {"igrave", 236},  {"infin", 8734},  {"iota", 953},    {"iquest", 191},
    {"iuml", 239},    {"kappa", 954},   {"lambda", 955},  {"laquo", 171},   {"larr", 8592},   {"ldquo", 8220},
    {"le", 8804},     {"lrm", 8206},    {"lsaquo", 8249}, {"lsquo", 8216},  {"lt", 60},       {"macr", 175},
    {"mdash", 8212},  {"micro", 181},   {"middot", 183},  {"minus", 8722},  {"mu", 956},      {"nbsp", 160},
    {"ndash", 8211},  {"ne", 8800},     {"not", 172},     {"ntilde", 241},  {"nu", 957},      {"oacute", 243},
    {"ocirc", 244},   {"oelig", 339},   {"ograve", 242},  {"omega", 969},   {"omicron", 959}, {"ordf", 170},
    {"ordm", 186},    {"oslash", 248},  {"otilde", 245},  {"ouml", 246},    {"para", 182},    {"permil", 8240},
    {"phi", 966},     {"pi", 960},      {"plusmn", 177},  {"pound", 163},   {"prime", 8242},  {"psi", 968},
    {"quot", 34},     {"raquo", 187},   {"rarr", 8594},   {"rdquo", 8221},  {"reg", 174},     {"rho", 961},
    {"rlm", 8207},    {"rsaquo", 8250}, {"rsquo", 8217},  {"sbquo", 8218},  {"scaron", 353},  {"sect", 167},
    {"shy", 173},     {"sigma", 963},   {"sigmaf", 962},  {"sup1", 185},    {"sup2", 178},    {"sup3", 179},
    {"szlig", 223},   {"tau", 964},     {"theta", 952},   {"thinsp", 8201}, {"thorn", 254},   {"tilde", 732},
    {"times", 215},   {"trade", 8482},  {"uacute", 250},  {"uarr", 8593},   {"ucirc", 251},   {"ugrave", 249},
    {"uml", 168},     {"upsilon", 965}, {"uuml", 252},    {"xi", 958},      {"yacute", 253},  {"yen", 165},
    {"yuml", 255},    {"zeta", 950},    {"zwj", 8205},    {"zwnj", 8204},
});
static_assert(std::ranges::is_sorted(kNames, {}, &Name::first));

constexpr size_t kMaxName = 8;

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

size_t append_number(std::string_view text, std::string& out) {
  const bool hex = text.size() > 2 && (text[2] == 'x' || text[2] == 'X');
  size_t at = hex ? 3 : 2;
  const size_t begin = at;
  char32_t code = 0;
  for (; at < text.size(); ++at) {
    const int digit = hex_digit(text[at]);
    if (digit < 0 || (!hex && digit > 9)) break;
    code = std::min<char32_t>(code * (hex ? 16 : 10) + static_cast<char32_t>(digit), 0x110000);
  }
  if (at == begin) return 0;
  if (code >= 0x80 && code < 0xA0) {  // numbers of windows-1252, as every browser reads them
    Converters none;
    none.append("windows-1252", std::string(1, static_cast<char>(static_cast<uint8_t>(code))), out);
  } else {
    append_code_point(code == 0 ? 0xFFFD : code == 0xA0 ? U' ' : code, out);
  }
  return at < text.size() && text[at] == ';' ? at + 1 : at;
}

}  // namespace

size_t append_reference(std::string_view text, std::string& out) {
  if (text.size() < 3 || text[0] != '&') return 0;
  if (text[1] == '#') return append_number(text, out);
  size_t end = 1;
  while (end < text.size() && end <= kMaxName && is_alnum(text[end])) ++end;
  const std::string_view name = text.substr(1, end - 1);
  const auto* found = std::ranges::lower_bound(kNames, name, {}, &Name::first);
  if (found == kNames.end() || found->first != name) return 0;
  const bool closed = end < text.size() && text[end] == ';';
  // Names of Latin-1 have always been read without their semicolon; others would be found in URLs.
  if (!closed && found->second > 255) return 0;
  if (found->second == 173) return closed ? end + 1 : end;  // a soft hyphen splits words for nobody's good
  append_code_point(found->second == 160 ? U' ' : found->second, out);
  return closed ? end + 1 : end;
}

}  // namespace libsync::mime

// The labels that occur in mail, and what iconv calls them.
#include <algorithm>
#include <array>
#include <utility>

#include "libsync/base/text.h"
#include "libsync/mime/charset.h"

namespace libsync::mime {
namespace {

using Alias = std::pair<std::string_view, std::string_view>;

// Labels in lower case with '-' for '_'. Where programs send a superset under the name of its subset
// (gbk as gb2312, windows-1252 as iso-8859-1, cp949 as ks_c_5601-1987) the superset stands.
constexpr auto kAliases = std::to_array<Alias>({
    {"646", "ASCII"},
    {"ansi-x3.4-1968", "ASCII"},
    {"ascii", "ASCII"},
    {"big-5", "BIG5"},
    {"big5", "BIG5"},
    {"big5-eten", "BIG5"},
    {"big5-hkscs", "BIG5-HKSCS"},
    {"big5hkscs", "BIG5-HKSCS"},
    {"cn-big5", "BIG5"},
    {"cn-gb", "GB18030"},
    {"cp-1252", "CP1252"},
    {"cp-932", "CP932"},
    {"cp-936", "GB18030"},
    {"cp-950", "BIG5"},
    {"cp1252", "CP1252"},
    {"cp50220", "ISO-2022-JP"},
    {"cp50221", "ISO-2022-JP"},
    {"cp50222", "ISO-2022-JP"},
    {"cp51932", "EUC-JP-MS"},
    {"cp51949", "CP949"},
    {"cp54936", "GB18030"},
    {"cp65001", "UTF-8"},
    {"cp932", "CP932"},
    {"cp936", "GB18030"},
    {"cp949", "CP949"},
    {"cp950", "BIG5"},
    {"csascii", "ASCII"},
    {"csbig5", "BIG5"},
    {"cseuckr", "CP949"},
    {"cseucpkdfmtjapanese", "EUC-JP-MS"},
    {"csgb2312", "GB18030"},
    {"csiso2022jp", "ISO-2022-JP"},
    {"csisolatin1", "CP1252"},
    {"csksc56011987", "CP949"},
    {"csshiftjis", "CP932"},
    {"cswindows31j", "CP932"},
    {"default", ""},
    {"default-charset", ""},
    {"euc-cn", "GB18030"},
    {"euc-jp", "EUC-JP-MS"},
    {"euc-kr", "CP949"},
    {"eucgb2312-cn", "GB18030"},
    {"eucjp", "EUC-JP-MS"},
    {"euckr", "CP949"},
    {"gb-18030", "GB18030"},
    {"gb-2312", "GB18030"},
    {"gb-2312-80", "GB18030"},
    {"gb-k", "GB18030"},
    {"gb18030", "GB18030"},
    {"gb18030-2005", "GB18030"},
    {"gb18030-2022", "GB18030"},
    {"gb2312", "GB18030"},
    {"gb2312-80", "GB18030"},
    {"gb2312-charset", "GB18030"},
    {"gbk", "GB18030"},
    {"hz", "HZ"},
    {"hz-gb-2312", "HZ"},
    {"hz-gb2312", "HZ"},
    {"iso-10646-ucs-2", "UTF-16"},
    {"iso-2022-jp", "ISO-2022-JP"},
    {"iso-2022-jp-ms", "ISO-2022-JP"},
    {"iso-8859-1", "CP1252"},
    {"iso-8859-11", "CP874"},
    {"iso-8859-15-bug", "ISO-8859-15"},
    {"iso-8859-6-e", "ISO-8859-6"},
    {"iso-8859-6-i", "ISO-8859-6"},
    {"iso-8859-8-e", "ISO-8859-8"},
    {"iso-8859-8-i", "ISO-8859-8"},
    {"iso-8859-9", "CP1254"},
    {"iso-ir-100", "CP1252"},
    {"iso-ir-149", "CP949"},
    {"iso2022jp", "ISO-2022-JP"},
    {"iso646-us", "ASCII"},
    {"iso8859-1", "CP1252"},
    {"iso8859-15", "ISO-8859-15"},
    {"iso8859-2", "ISO-8859-2"},
    {"iso8859-5", "ISO-8859-5"},
    {"iso8859-7", "ISO-8859-7"},
    {"iso8859-9", "CP1254"},
    {"iso88591", "CP1252"},
    {"iso885915", "ISO-8859-15"},
    {"jis7", "ISO-2022-JP"},
    {"koi8-r", "KOI8-R"},
    {"koi8-u", "KOI8-U"},
    {"koi8r", "KOI8-R"},
    {"koi8u", "KOI8-U"},
    {"korean", "CP949"},
    {"ks-c-5601", "CP949"},
    {"ks-c-5601-1987", "CP949"},
    {"ks-c-5601-1989", "CP949"},
    {"ksc5601", "CP949"},
    {"l1", "CP1252"},
    {"latin-1", "CP1252"},
    {"latin1", "CP1252"},
    {"mac", "MACINTOSH"},
    {"macintosh", "MACINTOSH"},
    {"macroman", "MACINTOSH"},
    {"ms-kanji", "CP932"},
    {"ms932", "CP932"},
    {"ms936", "GB18030"},
    {"ms949", "CP949"},
    {"none", ""},
    {"shift-jis", "CP932"},
    {"shiftjis", "CP932"},
    {"sjis", "CP932"},
    {"tis-620", "CP874"},
    {"tis620", "CP874"},
    {"ucs-2", "UTF-16"},
    {"unicode", "UTF-16"},
    {"unicode-1-1-utf-7", "UTF-7"},
    {"unicode-1-1-utf-8", "UTF-8"},
    {"unicode-2-0-utf-7", "UTF-7"},
    {"unicode-2-0-utf-8", "UTF-8"},
    {"unknown", ""},
    {"unknown-8bit", ""},
    {"us", "ASCII"},
    {"us-ascii", "ASCII"},
    {"usascii", "ASCII"},
    {"utf-16", "UTF-16"},
    {"utf-8", "UTF-8"},
    {"utf-8-bom", "UTF-8"},
    {"utf16", "UTF-16"},
    {"utf7", "UTF-7"},
    {"utf8", "UTF-8"},
    {"utf8mb4", "UTF-8"},
    {"visual", "ISO-8859-8"},
    {"win-1251", "CP1251"},
    {"windows-31j", "CP932"},
    {"windows-874", "CP874"},
    {"windows-936", "GB18030"},
    {"windows-949", "CP949"},
    {"windows-950", "BIG5"},
    {"x-big5", "BIG5"},
    {"x-cp1250", "CP1250"},
    {"x-cp1251", "CP1251"},
    {"x-cp1252", "CP1252"},
    {"x-euc-jp", "EUC-JP-MS"},
    {"x-euc-kr", "CP949"},
    {"x-gb2312", "GB18030"},
    {"x-gbk", "GB18030"},
    {"x-mac-ce", "MAC-CENTRALEUROPE"},
    {"x-mac-cyrillic", "MAC-CYRILLIC"},
    {"x-mac-roman", "MACINTOSH"},
    {"x-mac-ukrainian", "MACUKRAINIAN"},
    {"x-ms-cp932", "CP932"},
    {"x-sjis", "CP932"},
    {"x-unicode-2-0-utf-7", "UTF-7"},
    {"x-unicode-2-0-utf-8", "UTF-8"},
    {"x-unknown", ""},
    {"x-user-defined", ""},
    {"x-windows-949", "CP949"},
    {"x-windows-950", "BIG5"},
    {"x-x-big5", "BIG5"},
});
static_assert(std::ranges::is_sorted(kAliases, {}, &Alias::first));

constexpr size_t kMaxLabel = 40;  // the longest registered label has 45 bytes and is not used in mail

std::string normal_label(std::string_view label) {
  std::string out;
  for (const char c : label.substr(0, kMaxLabel + 8)) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '"' || c == '\'') continue;
    out += c == '_' ? '-' : ascii_lower(c);
  }
  return out;
}

// A name that is handed to iconv_open: no '/', which would ask for transliteration.
bool is_harmless(std::string_view label) {
  return label.size() <= kMaxLabel && std::ranges::all_of(label, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == ':' || c == '+';
         });
}

}  // namespace

std::string iconv_name(std::string_view label) {
  if (label == "utf-8" || label == "UTF-8") return "UTF-8";
  std::string normal = normal_label(label);
  const auto* found = std::ranges::lower_bound(kAliases, normal, {}, &Alias::first);
  if (found != kAliases.end() && found->first == normal) return std::string(found->second);
  if (!is_harmless(normal)) return {};
  if (normal.starts_with("windows-12")) return "CP" + normal.substr(8);
  if (normal.starts_with("cp-")) return "CP" + normal.substr(3);
  return to_upper(normal);
}

}  // namespace libsync::mime

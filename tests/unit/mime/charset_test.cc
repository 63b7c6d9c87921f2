#include "libsync/mime/charset.h"

#include <gtest/gtest.h>

#include "libsync/base/text.h"

namespace libsync::mime {
namespace {

struct Case {
  std::string_view label, bytes, text;
  Fit fit = Fit::Exact;
};

TEST(Converters, ReadTheCharsetsOfMail) {
  Converters converters;
  for (const Case& c : {
           Case{"utf-8", "\xE4\xBD\xA0", "你"},
           Case{"utf8", "\xEF\xBB\xBF\xE4\xBD\xA0", "你"},  // byte order mark
           Case{"us-ascii", "abc", "abc"},
           Case{"iso-8859-1", "caf\xE9 \x80", "café €"},  // windows-1252 in disguise
           Case{"iso-8859-2", "\xB1", "ą"},
           Case{"iso-8859-5", "\xB0", "А"},
           Case{"iso-8859-7", "\xE1", "α"},
           Case{"iso-8859-8-i", "\xE0", "א"},
           Case{"iso-8859-15", "\xA4", "€"},
           Case{"windows-1250", "\x9C", "ś"},
           Case{"windows-1251", "\xCF\xF0\xE8", "При"},
           Case{"windows-1256", "\xC7", "ا"},
           Case{"koi8-r", "\xF0\xD2\xC9", "При"},
           Case{"koi8-u", "\xA4", "є"},
           Case{"gb2312", "\xC4\xE3\xBA\xC3", "你好"},
           Case{"gb2312", "\x96\x7C", "東"},  // GBK's, sent as gb2312
           Case{"gbk", "\xC4\xE3", "你"},
           Case{"x-gbk", "\xC4\xE3", "你"},
           Case{"cp-936", "\xC4\xE3", "你"},
           Case{"gb18030", "\x81\x30\x86\x30", "¸"},
           Case{"big5", "\xA7\x41\xA6\x6E", "你好"},
           Case{"big5", "\x87\x40", "䏰"},  // Hong Kong's
           Case{"shift_jis", "\x93\xFA\x96\x7B", "日本"},
           Case{"shift_jis", "\x87\x40", "①"},  // NEC's
           Case{"iso-2022-jp", "\x1B$BF|K\\\x1B(B!", "日本!"},
           Case{"iso-2022-jp", "\x1B$B-!\x1B(B", "①"},     // NEC's, as cp50221
           Case{"iso-2022-jp", "\x1B(I16\x1B(B", "ｱｶ"},    // half-width kana
           Case{"iso-2022-jp", "\x0E\x31\x36\x0F", "ｱｶ"},  // by SO and SI
           Case{"iso-2022-jp", "\x1B$B|q\x1B(B", "ⅰ"},     // IBM's
           Case{"iso-2022-jp", "\x1B$(D0!\x1B(B", "丂"},   // JIS X 0212
           Case{"iso-2022-jp", "\x1B$AE)\x1B(B", "农"},    // ISO-2022-JP-2
           Case{"euc-jp", "\xC6\xFC\xCB\xDC", "日本"},
           Case{"euc-kr", "\xC7\xD1", "한"},
           Case{"ks_c_5601-1987", "\xC7\xD1", "한"},
           Case{"ks_c_5601-1987", "\x8C\x63", "똠"},  // cp949's
           Case{"utf-7", "Hi Mom +Jjo-!", "Hi Mom ☺!"},
           Case{"utf-16", {"\xFF\xFE\x60\x4F", 4}, "你"},
           Case{"utf-16", {"h\0i\0", 4}, "hi"},
           Case{"utf-16", {"\0h\0i", 4}, "hi"},
           Case{"utf-16le", {"\x60\x4F", 2}, "你"},
           Case{"hz-gb-2312", "This: ~{<:Ky2;~}~~ ~\none", "This: 己所不~ one"},  // RFC 1843
           Case{"hz", "~{VPND\n~}x", "中文\n~}x"},                                // never closed
           Case{"HZ-GB-2312", "~{\xD6\xD0~} ~", "中 ~"},                          // with eighth bits
           Case{"x-mac-cyrillic", "\x8F\xF0\xE8", "При"},
       }) {
    std::string out;
    EXPECT_EQ(converters.append(c.label, c.bytes, out), c.fit) << c.label;
    EXPECT_EQ(out, c.text) << c.label;
  }
}

TEST(Converters, GuessWhereTheLabelSaysNothingOrLies) {
  Converters converters;
  for (const Case& c : {
           Case{"unknown-8bit", "\xE4\xBD\xA0", "你", Fit::Unknown},
           Case{"default", "caf\xE9", "café", Fit::Unknown},
           Case{"x-nonsense", "abc", "abc", Fit::Unknown},
           Case{"", "\xC4\xE3\xBA\xC3\xCA\xC0\xBD\xE7", "你好世界", Fit::Unknown},
           Case{"unknown", "\x93\xFA\x96\x7B\x82\xCC", "日本の", Fit::Unknown},
           Case{"unknown", "\xC6\xFC\xCB\xDC\xA4\xCE\xA4\xB3", "日本のこ", Fit::Unknown},
           Case{"unknown", "\x1B$BF|K\\\x1B(B", "日本", Fit::Unknown},
           Case{"us-ascii", "caf\xE9", "café", Fit::Guessed},
           Case{"us-ascii", "\xE4\xBD\xA0", "你", Fit::Guessed},
           Case{"utf-8", "caf\xE9", "café", Fit::Guessed},
           Case{"utf-8", "\xE4\xBD\xA0\xE4\xBD", "你\xEF\xBF\xBD", Fit::Replaced},  // cut in a character
           Case{"utf-8", "\xE4\xBD\xA0\xF0\x9F\x98x\xE0\x80\xFF", "你\xEF\xBF\xBDx\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD",
                Fit::Replaced},
           Case{"hz-gb-2312", "~{VP!\nx", "中\xEF\xBF\xBD\nx", Fit::Replaced},
           Case{"gb2312", "\xE4\xBD\xA0\xE5", "浣犲"},
           Case{"euc-kr", "\xE4\xBD\xA0\xE5\xA5\xBD\xFF", "", Fit::Replaced},
           Case{"ucs-4", "\x79\xB6\xE8\xC2", "", Fit::Replaced},  // beyond Unicode's end
           Case{"iso-2022-jp", "\x1B$B\xFF\x1B(Bx", "\xEF\xBF\xBDx", Fit::Replaced},
       }) {
    std::string out;
    EXPECT_EQ(converters.append(c.label, c.bytes, out), c.fit) << c.label << " " << c.bytes;
    if (!c.text.empty()) {
      EXPECT_EQ(out, c.text) << c.label;
    }
    EXPECT_TRUE(is_valid_utf8(out)) << c.label;
  }
}

TEST(Converters, AreOpenedOnce) {
  Converters converters;
  std::string out;
  for (int i = 0; i < 100; ++i) converters.append("gb2312", "\xC4\xE3", out);
  for (int i = 0; i < 100; ++i) converters.append("x-nonsense", "a", out);
  EXPECT_EQ(converters.opened(), 2U);  // the failure is remembered too
  for (int i = 1; i < 100; ++i) converters.append("x-nonsense-" + std::to_string(i), "a", out);
  out.clear();
  EXPECT_EQ(converters.append("gb2312", "\xC4\xE3", out), Fit::Exact);
  EXPECT_EQ(out, "你");
  Converters moved = std::move(converters);
  EXPECT_EQ(moved.append("koi8-r", "\xF0", out), Fit::Exact);
}

TEST(Converters, AreOpenedOnceHoweverManyAreUsedInTurn) {
  Converters converters;
  std::string out;
  for (int round = 0; round < 3; ++round) {
    for (int i = 437; i < 1300; ++i) converters.append("cp" + std::to_string(i), "\xE9", out);
  }
  const size_t known_and_unknown = converters.opened();
  for (const int page : {437, 850, 852, 855, 857, 861, 862, 865, 866, 869, 1250, 1251, 1253, 1254, 1257}) {
    converters.append("cp" + std::to_string(page), "\xE9", out);
  }
  EXPECT_EQ(converters.opened(), known_and_unknown) << "those that iconv knows stay open";
}

TEST(Converters, RememberSomeOfTheNamesThatIconvDoesNotKnow) {
  Converters converters;
  std::string out;
  for (size_t i = 0; i <= Converters::kMaxUnknown; ++i) converters.append("x-" + std::to_string(i), "a", out);
  const size_t asked = converters.opened();
  converters.append("x-" + std::to_string(Converters::kMaxUnknown), "a", out);
  EXPECT_EQ(converters.opened(), asked) << "the last";
  converters.append("x-0", "a", out);
  EXPECT_EQ(converters.opened(), asked + 1) << "the first is forgotten";
}

TEST(Converters, NeverHandIconvAnOptionOrAPath) {
  EXPECT_EQ(iconv_name("utf-16//TRANSLIT"), "");
  EXPECT_EQ(iconv_name("../../etc/passwd"), "");
  EXPECT_EQ(iconv_name(std::string(1000, 'a')), "");
  EXPECT_EQ(iconv_name(" \"GB_2312-80\" "), "GB18030");
}

TEST(Converters, ReplaceDamageInLinearTime) {
  Converters converters;
  const std::string noise(1 << 18, '\xFF');
  for (const char* label : {"gb18030", "euc-jp", "iso-2022-jp", "utf-16", "big5", "utf-8"}) {
    std::string out;
    converters.append(label, noise, out);
    EXPECT_TRUE(is_valid_utf8(out)) << label;
    EXPECT_LE(out.size(), noise.size() * 3) << label;
  }
}

}  // namespace
}  // namespace libsync::mime

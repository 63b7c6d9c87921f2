#include "libsync/mime/encoded_word.h"

#include <gtest/gtest.h>

#include "libsync/base/text.h"

namespace libsync::mime {
namespace {

struct Case {
  std::string_view in, out;
  bool damaged = false;
};

TEST(EncodedWords, AreDecodedAsTheyOccur) {
  Converters converters;
  for (const Case& c : {
           Case{"plain", "plain"},
           Case{"  folded\r\n line ", "folded line"},
           Case{"=?utf-8?B?5L2g5aW9?=", "你好"},
           Case{"=?UTF-8?q?caf=C3=A9_au_lait?=", "café au lait"},
           Case{"=?utf-8*en?Q?colour?=", "colour"},
           Case{"=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"},
           Case{"=?utf-8?Q?a?=\r\n =?utf-8?Q?b?=", "ab"},
           Case{"=?utf-8?Q?a?= b", "a b"},
           Case{"a =?utf-8?Q?b?= c", "a b c"},
           Case{"=?utf-8?Q?a?==?utf-8?Q?b?=", "ab"},
           Case{"Re:=?utf-8?Q?b?=", "Re:b"},
           Case{"=?utf-8?Q?=E4=BD?= =?utf-8?Q?=A0?=", "你"},  // a character split between words
           Case{"=?utf-8?B?5L0=?= =?UTF-8?B?oA==?=", "你"},   // the same in base64
           Case{"=?utf8?b?5L0=?= =?utf-8?b?oA==?=", "你"},    // the charset called two ways
           Case{"=?gbk?b?xA==?= =?gb2312?b?4w==?=", "你"},
           Case{"=?x-a?b?xA==?= =?x-b?b?4w==?=", "Äã", true},        // not known to be one
           Case{"=?utf-8?q?=C3=A9=E4=BD?=", "é\xEF\xBF\xBD", true},  // one character cut, one sign of it
           Case{"=?utf-8?B?5L2g5?=\r\n =?utf-8?B?aW9?=", "你好"},    // base64 cut in a group
           Case{"=?gb2312?B?xOM=?= =?utf-8?B?5aW9?=", "你好"},       // two charsets
           Case{"=?gb2312?B?xOO6w8rA?= =?gb2312?B?vec=?=", "你好世界"},
           Case{"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"},
           Case{"=?utf-8?B?5L2g5aW9IQ?=", "你好!", true},  // no padding
           Case{"=?utf-8?Q?with raw space?=", "with raw space"},
           Case{"=?utf-8?Q?=4?=", "=4", true},
           Case{"=?utf-8?Q?\?=", ""},
           Case{"=?utf-8?X?abc?=", "=?utf-8?X?abc?="},
           Case{"=?utf-8?Q?never closed", "=?utf-8?Q?never closed"},
           Case{"=?utf-8?Q?cut", "cut"},
           Case{"=?utf-8?Q?open =?utf-8?Q?b?=", "=?utf-8?Q?open b"},
           Case{"=?\?Q?a?=", "=?\?Q?a?="},
           Case{"=?x-unknown?Q?caf=E9?=", "café", true},
           Case{"=?us-ascii?Q?caf=C3=A9?=", "café", true},
           Case{"caf\xC3\xA9 raw", "café raw"},  // RFC 6532
           Case{"caf\xE9 raw", "café raw", true},
           Case{"caf\xE9 =?utf-8?Q?=C3=A9?=", "café é", true},  // raw beside encoded
           Case{"=?utf-8?Q?a=0D=0ABcc:_x?=", "a  Bcc: x"},      // no line end comes out
           Case{"a\rb", "a b"},
       }) {
    Defects defects;
    const std::string out = decode_text(c.in, converters, &defects);
    EXPECT_TRUE(is_valid_utf8(out)) << c.in;
    EXPECT_EQ(out, c.out) << c.in;
    EXPECT_EQ(defects.total() > 0, c.damaged) << c.in;
  }
}

TEST(EncodedWords, LeaveNoNul) {
  Converters converters;
  EXPECT_EQ(decode_text(std::string_view("a\0b", 3), converters), "a b");
  EXPECT_EQ(decode_text("=?utf-8?Q?a=00b?=", converters), "a b");
}

// Text full of beginnings that lead nowhere: what a search for each end would make quadratic.
TEST(EncodedWords, TakeLinearTime) {
  Converters converters;
  for (const std::string_view piece : {"=?", "=?a?b?", "=?a?q?x", "=?a?q?x ", "=?a?q?=?", "=?utf-8?B?=?= ", "?="}) {
    std::string text;
    while (text.size() < (1 << 18)) text += piece;
    EXPECT_FALSE(decode_text(text, converters).empty() && piece != "=?utf-8?B?=?= ") << piece;
  }
}

}  // namespace
}  // namespace libsync::mime

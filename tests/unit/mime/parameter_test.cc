#include "libsync/mime/parameter.h"

#include <gtest/gtest.h>

namespace libsync::mime {
namespace {

struct Case {
  std::string_view in, out;
  bool damaged = false;
};

std::string shown(std::string_view value, Defects& defects, const Limits& limits = {}) {
  Converters converters;
  const Structured parsed = parse_structured(value, limits, &defects);
  std::string out = parsed.type;
  if (!parsed.subtype.empty()) out += "/" + parsed.subtype;
  for (const Parameter& p : decode_parameters(parsed.parameters, converters, limits, &defects)) {
    out += "; " + p.name + "=" + p.value;
  }
  return out;
}

TEST(Parameters, AreReadAsTheyOccur) {
  for (const Case& c : {
           Case{"text/plain", "text/plain"},
           Case{" Text / HTML ; Charset = \"UTF-8\" ", "text/html; charset=UTF-8"},
           Case{"text/plain; charset=us-ascii (Plain text)", "text/plain; charset=us-ascii"},
           Case{"text/plain (c); (c) charset=(c)x", "text/plain; charset=x"},
           Case{"text/plain;\r\n\tcharset=x;\r\n format=flowed;", "text/plain; charset=x; format=flowed"},
           Case{"multipart/mixed; boundary=\"a;b=c (d)\"", "multipart/mixed; boundary=a;b=c (d)"},
           Case{"multipart/mixed; boundary=----=_Part", "multipart/mixed; boundary=----=_Part"},
           Case{"text/plain; charset=x format=flowed", "text/plain; charset=x; format=flowed"},
           Case{"text/plain;; charset=x", "text/plain; charset=x"},
           Case{"text/plain; charset", "text/plain", true},
           Case{"text/plain; =x; a=b", "text/plain; a=b", true},
           Case{"text/plain; a=\"open; b=c", "text/plain; a=open; b=c", true},
           Case{"text/plain; a=1; a=2", "text/plain; a=1", true},
           Case{"text", "text"},
           Case{"", ""},
           Case{"charset=utf-8", "; charset=utf-8", true},
           Case{"a/b; name=my report (1).pdf; x=y", "a/b; name=my report (1).pdf; x=y"},
           Case{"a/b; name=\"C:\\temp\\new.txt\"", "a/b; name=C:\\temp\\new.txt"},
           Case{"a/b; name=\"a\\\"b\\\\c\"", "a/b; name=a\"b\\c"},
           // RFC 2231
           Case{"a/b; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "a/b; title=This is ***fun***"},
           Case{"a/b; url*0=\"ftp://\"; url*1=\"cs.utk.edu/\"", "a/b; url=ftp://cs.utk.edu/"},
           Case{"a/b; t*0*=us-ascii'en'This%20is%20; t*1*=%2A; t*2=\"isn't it!\"", "a/b; t=This is *isn't it!"},
           Case{"a/b; t*1=b; t*0=a; t*2=c", "a/b; t=abc"},
           Case{"a/b; t*0*=utf-8''%E4%BD; t*1*=%A0", "a/b; t=你"},  // a character split
           Case{"a/b; t*=gb18030''%C4%E3%BA%C3.txt", "a/b; t=你好.txt"},
           Case{"a/b; t=old; t*=utf-8''new", "a/b; t=new"},
           Case{"a/b; t*=utf-8''new; t=old", "a/b; t=new"},
           Case{"a/b; t*=\"utf-8''q%20uoted\"", "a/b; t=q uoted"},
           Case{"a/b; t*0=a; t*2=c", "a/b; t=ac", true},  // a gap
           Case{"a/b; t*0=a; t*0=x; t*1=b", "a/b; t=ab", true},
           Case{"a/b; t*=plain%20text", "a/b; t=plain text", true},  // no charset
           Case{"a/b; t*=x-unknown''caf%E9", "a/b; t=café", true},
           Case{"a/b; t*=utf-8''%ZZ%4", "a/b; t=%ZZ%4"},
           Case{"a/b; t*99999999999999999999=x", "a/b; t*99999999999999999999=x"},
           // encoded words where they do not belong
           Case{"a/b; name=\"=?utf-8?B?5L2g5aW9?=.txt\"", "a/b; name=你好.txt", true},
           Case{"a/b; name=\"=?utf-8?B?5L2g?=\r\n =?utf-8?B?5aW9?=\"", "a/b; name=你好", true},
           Case{"a/b; name*0=\"=?utf-8?B?5L2g\"; name*1=\"5aW9?=\"", "a/b; name=你好", true},
           Case{"a/b; name=\xE4\xBD\xA0", "a/b; name=你"},
           Case{"a/b; name=caf\xE9", "a/b; name=café", true},
       }) {
    Defects defects;
    EXPECT_EQ(shown(c.in, defects), c.out) << c.in;
    EXPECT_EQ(defects.total() > 0, c.damaged) << c.in;
  }
}

TEST(Parameters, KeepCharsetAndLanguage) {
  Converters converters;
  const auto list = decode_parameters(parse_structured("a/b; t*=us-ascii'en-us'x").parameters, converters);
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].charset, "us-ascii");
  EXPECT_EQ(list[0].language, "en-us");
}

TEST(Parameters, StopAtTheirLimits) {
  std::string many = "a/b";
  for (int i = 0; i < 50; ++i) many += "; t*" + std::to_string(i) + "=x";
  Defects defects;
  EXPECT_EQ(shown(many, defects, {.parameters = 10}), "a/b; t=xxxxxxxxxx");
  EXPECT_TRUE(defects.has(Fault::TooManyParameters));
  Defects sections;
  EXPECT_EQ(shown(many, sections, {.sections = 3}), "a/b; t=xxx");
  EXPECT_TRUE(sections.has(Fault::TooManyParameters));
  Defects cut;
  EXPECT_EQ(shown("text/plain; a=b; c=d", cut, {.value_bytes = 16}), "text/plain; a=b");
  EXPECT_TRUE(cut.has(Fault::ValueTooLong));
}

TEST(Parameters, StopAtTheirNumbers) {
  std::string names = "a/b", sections = "a/b";
  for (size_t i = 0; i < kMaxParameters + 5; ++i) names += "; n" + std::to_string(i) + "=x";
  for (size_t i = 0; i < kMaxSections + 5; ++i) sections += "; t*" + std::to_string(i) + "=x";
  Defects defects;
  EXPECT_EQ(parse_structured(names, {}, &defects).parameters.size(), kMaxParameters);
  EXPECT_TRUE(defects.has(Fault::TooManyParameters));
  Converters converters;
  const Limits more{.parameters = kMaxSections + 5};
  Defects gaps;
  const auto joined = decode_parameters(parse_structured(sections, more).parameters, converters, more, &gaps);
  ASSERT_EQ(joined.size(), 1U);
  EXPECT_EQ(joined[0].value.size(), kMaxSections);
  EXPECT_TRUE(gaps.has(Fault::TooManyParameters));
}

TEST(Parameters, TakeLinearTime) {
  for (const std::string_view piece : {";", "a=", "\"", "(", "a=\"", ";a=(", "*", ";a*0=b", "=", "(\\"}) {
    std::string text = "a/b;";
    while (text.size() < (1 << 18)) text += piece;
    Defects defects;
    shown(text, defects, {.parameters = 1 << 20});
  }
}

TEST(Languages, AreListed) {
  EXPECT_EQ(parse_languages("en, zh-CN (Chinese),de"), (std::vector<std::string>{"en", "zh-CN", "de"}));
}

}  // namespace
}  // namespace libsync::mime

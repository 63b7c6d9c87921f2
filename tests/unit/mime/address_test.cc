#include "libsync/mime/address.h"

#include <gtest/gtest.h>

namespace libsync::mime {
namespace {

// "Name|local|domain" for each; "Name:" and ";" for groups.
std::string shown(const std::vector<Address>& list) {
  std::string out;
  for (const Address& a : list) {
    if (!out.empty()) out += ' ';
    if (a.kind == AddressKind::GroupStart) {
      out += a.name + ":";
    } else if (a.kind == AddressKind::GroupEnd) {
      out += ";";
    } else {
      out += "{" + a.name + "|" + a.local + "|" + a.domain + "}";
    }
  }
  return out;
}

struct Case {
  std::string_view in, out;
  bool damaged = false;
};

TEST(Addresses, AreReadAsTheyOccur) {
  Converters converters;
  for (const Case& c : {
           Case{"", ""},
           Case{"a@x.org", "{|a|x.org}"},
           Case{"<a@x.org>", "{|a|x.org}"},
           Case{"A B <a@x.org>", "{A B|a|x.org}"},
           Case{"\"Doe, John\" <a@x.org>, b@y", "{Doe, John|a|x.org} {|b|y}"},
           Case{"\"a \\\"q\\\" b\" <a@x>", "{a \"q\" b|a|x}"},
           Case{"John Q. Public <j@x>", "{John Q. Public|j|x}"},
           Case{"a@x (John Doe)", "{John Doe|a|x}"},
           Case{"John <a@x> (comment)", "{John|a|x}"},
           Case{"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "{Pete|pete|silly.test}"},
           Case{"A Group(Some people):Chris Jones <c@(Chris's host.)public.example>, joe@example.org,\r\n"
                " John <jdoe@one.test> (my dear friend); (the end of the group)",
                "A Group: {Chris Jones|c|public.example} {|joe|example.org} {John|jdoe|one.test} ; "
                "{the end of the group||}"},
           Case{"undisclosed-recipients:;", "undisclosed-recipients: ;"},
           Case{"g: a@x, b@y;, c@z", "g: {|a|x} {|b|y} ; {|c|z}"},
           Case{"g: a@x", "g: {|a|x} ;", true},
           Case{"<@a.example,@b.example:john@x>", "{|john|x}"},
           Case{"john . doe @ x . org", "{|john.doe|x.org}"},
           Case{"\"john doe\"@x", "{|john doe|x}"},
           Case{"<\"john doe\"@x>", "{|john doe|x}"},
           Case{"<\"a@b\"@x>", "{|a@b|x}"},
           Case{"a@[192.0.2.1]", "{|a|[192.0.2.1]}"},
           Case{"=?utf-8?B?5L2g5aW9?= <a@x>", "{你好|a|x}"},
           Case{"=?utf-8?Q?Doe=2C_J?= <a@x>", "{Doe, J|a|x}"},
           Case{"=?utf-8?Q?Doe,_J?= <a@x>", "{Doe, J|a|x}"},
           Case{"\"=?utf-8?Q?quoted?=\" <a@x>", "{quoted|a|x}"},
           Case{"=?utf-8?Q?a?= =?utf-8?Q?b?= <a@x>", "{ab|a|x}"},
           Case{"你好 <ü@例子.org>", "{你好|ü|例子.org}"},
           Case{"J\xF6rg <j@x>", "{Jörg|j|x}", true},
           Case{"foo@bar.com <foo@bar.com>", "{foo@bar.com|foo|bar.com}"},
           Case{"a@x; b@y", "{|a|x} {|b|y}", true},
           Case{"a@x b@y", "{|a|x} {|b|y}", true},
           Case{"<a@x> <b@y>", "{|a|x} {|b|y}", true},
           Case{"John Doe john@x", "{John Doe|john|x}", true},
           Case{"<a@x, b@y", "{|a|x} {|b|y}", true},
           Case{"\"open <a@x>", "{\"open|a|x}", true},
           Case{"(open <a@x>", "{(open|a|x}", true},
           Case{"a@b@x", "{|a@b|x}", true},
           Case{"<a@b@x>", "{|a@b|x}"},
           Case{"root", "{|root|}", true},
           Case{"no address here", "{no address here||}", true},
           Case{",,a@x,,", "{|a|x}"},
           Case{"<>", "{||}"},
           Case{"a@", "{|a|}"},
           Case{"A <a @ x . org >", "{A|a|x.org}"},
           Case{"A <<a@x>>, b@y", "{A|a|x} {|b|y}", true},
           Case{"<<>>", "{||}", true},
           Case{"A <mailto:a@x>", "{A|a|x}", true},
           Case{"<\"mailto:a\"@x>", "{|mailto:a|x}"},
       }) {
    Defects defects;
    EXPECT_EQ(shown(parse_addresses(c.in, &converters, {}, &defects)), c.out) << c.in;
    EXPECT_EQ(defects.total() > 0, c.damaged) << c.in;
  }
}

TEST(Addresses, KeepRouteAndComment) {
  Converters converters;
  const auto list = parse_addresses("J <@a,@b:j@x> (one) (=?utf-8?Q?two?=)", &converters);
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].route, "@a,@b");
  EXPECT_EQ(list[0].comment, "two");
}

TEST(Addresses, StayAsSentWithoutConverters) {
  EXPECT_EQ(shown(parse_addresses("=?utf-8?Q?a?= <a@x>", nullptr)), "{=?utf-8?Q?a?=|a|x}");
}

TEST(Addresses, AreWrittenSafely) {
  EXPECT_EQ(addr_spec({.local = "a", .domain = "x"}), "a@x");
  EXPECT_EQ(addr_spec({.local = "a b", .domain = "x"}), "\"a b\"@x");
  EXPECT_EQ(addr_spec({.local = "a\r\nBcc: e", .domain = "x\r\ny"}), "\"aBcc: e\"@xy");
  EXPECT_EQ(display(Address{.name = "Doe, J", .local = "a", .domain = "x"}), "\"Doe, J\" <a@x>");
  Converters converters;
  EXPECT_EQ(display(parse_addresses("A <a@x>, g: b@x, c@x;, d@x", &converters)), "A <a@x>, g: b@x, c@x;, d@x");
}

TEST(Addresses, StopAtTheirLimit) {
  std::string many;
  for (int i = 0; i < 50; ++i) many += "a@x,";
  Defects defects;
  EXPECT_EQ(parse_addresses(many, nullptr, {.addresses = 10}, &defects).size(), 10U);
  EXPECT_TRUE(defects.has(Fault::TooManyAddresses));
  many.clear();
  for (size_t i = 0; i < kMaxAddresses + 5; ++i) many += "a@x,";
  EXPECT_EQ(parse_addresses(many, nullptr).size(), kMaxAddresses);
  many.resize(200);
  Defects long_value;
  EXPECT_EQ(parse_addresses(many, nullptr, {.value_bytes = 8}, &long_value).size(), 2U);
  EXPECT_TRUE(long_value.has(Fault::ValueTooLong));
}

TEST(Addresses, CountCommentsInsideCommentsUpToALimit) {
  Defects fine;
  EXPECT_EQ(shown(parse_addresses("a@x (((x)))", nullptr, {}, &fine)), "{((x))|a|x}");
  EXPECT_EQ(fine.total(), 0U);
  Defects deep;
  const auto nested = [](size_t depth) { return "a@x " + std::string(depth, '(') + std::string(depth, ')'); };
  parse_addresses(nested(kMaxCommentDepth), nullptr, {}, &deep);
  EXPECT_EQ(deep.total(), 0U);
  parse_addresses(nested(kMaxCommentDepth + 1), nullptr, {}, &deep);
  EXPECT_TRUE(deep.has(Fault::CommentTooDeep));
}

TEST(Addresses, TakeLinearTime) {
  Converters converters;
  for (const std::string_view piece : {"(", "\"", "<", "@", "a@", ":", ";", "<(", "<\",", "(\\", "=?a?b?,", "a ", ". ",
                                       "<,\"", "[", "@[", "a:;", "\\"}) {
    std::string text;
    while (text.size() < (1 << 18)) text += piece;
    parse_addresses(text, &converters);
    parse_addresses(text + ")>\"", &converters);
    parse_addresses("<" + text + ">" + std::string(1 << 16, ')'), &converters, {.value_bytes = 2 << 20});
  }
}

}  // namespace
}  // namespace libsync::mime

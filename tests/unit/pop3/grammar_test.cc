#include "libsync/pop3/grammar.h"

#include <gtest/gtest.h>

#include "libsync/pop3/command.h"
#include "libsync/pop3/unstuffer.h"

namespace libsync::pop3 {
namespace {

TEST(Status, IsReadWithCodesAndWithout) {
  EXPECT_TRUE(parse_status("+OK")->ok);
  EXPECT_EQ(parse_status("+OK  hello  ")->text, "hello");
  EXPECT_EQ(parse_status("+ok hi")->text, "hi");
  const auto status = parse_status("-ERR [in-use] locked");
  EXPECT_FALSE(status->ok);
  EXPECT_EQ(status->code, "IN-USE");
  EXPECT_EQ(status->text, "locked");
  EXPECT_EQ(parse_status("-ERR [no end")->text, "[no end");
  EXPECT_EQ(parse_status("-ERR [] x")->code, "");
  for (const char* bad : {"", "+", "OK", "+OKAY", "-ERROR", "* OK", "-OK", " +OK"})
    EXPECT_FALSE(parse_status(bad)) << bad;
}

TEST(Listing, ReadsNumbersOf64BitsAndNoMore) {
  EXPECT_EQ(parse_pair("1 120 octets")->second, 120U);
  EXPECT_EQ(parse_pair("2 18446744073709551615")->second, UINT64_MAX);
  for (const char* bad : {"", "1", "1 -5", "x 1", "1 18446744073709551616"}) EXPECT_FALSE(parse_pair(bad)) << bad;
}

TEST(Listing, TakesAnyUidlAsData) {
  EXPECT_EQ(parse_uidl("3 whqtswO00WBw418f9t5JxYwZ")->uidl, "whqtswO00WBw418f9t5JxYwZ");
  EXPECT_EQ(parse_uidl("3 a b/../\x80  ")->uidl, "a b/../\x80");
  EXPECT_EQ(parse_uidl("3 " + std::string(300, 'u'))->uidl.size(), 300U);
  EXPECT_EQ(parse_uidl("3")->uidl, "");
  EXPECT_FALSE(parse_uidl("x y"));
}

TEST(Capa, IsReadWithItsOddities) {
  Capabilities c;
  Quirks quirks;
  for (const char* line : {"TOP", "uidl", "STLS", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE",
                           "SASL PLAIN  plain LOGIN", "SASL PLAIN SCRAM-SHA-1", "LOGIN-DELAY 900 USER",
                           "EXPIRE 60 USER", "UTF8 USER", "LANG", "", "X-NEW thing", "IMPLEMENTATION Some Server 1.0 "})
    add_capability(c, line, quirks);
  EXPECT_TRUE(c.top && c.uidl && c.stls && c.pipelining && c.resp_codes && c.auth_resp_code && c.utf8 && c.utf8_user &&
              c.lang);
  EXPECT_FALSE(c.user);
  EXPECT_EQ(c.sasl, (std::vector<std::string>{"PLAIN", "LOGIN", "SCRAM-SHA-1"}));
  EXPECT_EQ(c.login_delay, 900U);
  EXPECT_EQ(c.expire_days, 60U);
  EXPECT_FALSE(c.expire_never);
  EXPECT_EQ(c.implementation, "Some Server 1.0");
  add_capability(c, "EXPIRENEVER", quirks);
  EXPECT_TRUE(c.expire_never);
  for (int i = 0; i < 1000; ++i) add_capability(c, "SASL M" + std::to_string(i), quirks);
  EXPECT_EQ(c.sasl.size(), kMaxSaslNames);
}

TEST(Apop, TakesOnlyAPlainMessageIdAsTimeStamp) {
  EXPECT_EQ(find_timestamp("+OK ready <1896.697170952@dbc.mtview.ca.us>"), "<1896.697170952@dbc.mtview.ca.us>");
  for (const char* bad : {"+OK", "+OK <>", "+OK <a>", "+OK <@b>", "+OK <a@>", "+OK <a@b", "+OK <a\x80@b>",
                          "+OK <a b@c>", "+OK <a@b@c>", "+OK <a<@b>"})
    EXPECT_EQ(find_timestamp(bad), "") << bad;
}

// The example of RFC 1939, section 7.
TEST(Apop, GivesTheRfcsDigest) {
  const auto command = apop("mrose", "<1896.697170952@dbc.mtview.ca.us>", Secret("tanstaaf"));
  EXPECT_EQ(to_line(command)->reveal(), "APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n");
  EXPECT_EQ(to_trace(command), "APOP mrose ***");
}

TEST(Refusals, AreClassifiedByTheirCode) {
  Capabilities c;
  c.login_delay = 600;
  const auto of = [&](const char* line) { return refusal("login refused", *parse_status(line), c, Errc::Auth); };
  EXPECT_EQ(of("-ERR nope").code, Errc::Auth);
  EXPECT_EQ(of("-ERR [IN-USE] x").code, Errc::Refused);
  EXPECT_TRUE(of("-ERR [IN-USE] x").retry);
  EXPECT_EQ(of("-ERR [LOGIN-DELAY] x").retry_after, std::chrono::minutes(10));
  EXPECT_TRUE(of("-ERR [SYS/TEMP] x").retry);
  EXPECT_FALSE(of("-ERR [SYS/PERM] x").retry);
  EXPECT_EQ(of("-ERR [AUTH] x").code, Errc::Auth);
  EXPECT_EQ(of("-ERR [UTF8] x").code, Errc::Refused);
  EXPECT_NE(of("-ERR [LOGIN-DELAY] x").text().find("10 min"), std::string::npos);
  EXPECT_EQ(of("-ERR [AUTH] \x1b[31mred").server, "[AUTH]  [31mred") << "no escape sequences";
}

TEST(Refusals, NeverAskForALongerPauseThanADay) {
  Capabilities c;
  c.login_delay = UINT64_MAX;
  EXPECT_EQ(refusal("x", *parse_status("-ERR [LOGIN-DELAY]"), c, Errc::Auth).retry_after, std::chrono::hours(24));
}

TEST(Refusals, TellAStatusLineByItsFirstOctets) {
  for (const char* yes : {"+OK ", "+ok\r", "-ERR\n", "-err [X] y"}) EXPECT_EQ(begins_status(yes), true) << yes;
  for (const char* no : {"+O.", "-EX", "+OKAY", "-ERROR", ".", "a", "\r\n"}) EXPECT_EQ(begins_status(no), false) << no;
  for (const char* more : {"", "+", "+O", "+OK", "-", "-ER", "-ERR"}) EXPECT_FALSE(begins_status(more)) << more;
}

TEST(Commands, RefuseLineEndsInArguments) {
  for (const char* bad : {"a\r\nDELE 1", "a\n", "a\r"}) EXPECT_EQ(to_line(user(bad)).error().code, Errc::Usage);
  EXPECT_EQ(to_line(pass(Secret(std::string("a\0b", 3)))).error().code, Errc::Usage);
  EXPECT_EQ(to_line(pass(Secret("a\r\nQUIT"))).error().text().find("QUIT"), std::string::npos);
}

TEST(Commands, HideSecretsInTraces) {
  EXPECT_EQ(to_trace(pass(Secret("hunter2"))), "PASS ***");
  EXPECT_EQ(to_line(pass(Secret("hunter 2"))).value().reveal(), "PASS hunter 2\r\n");
  EXPECT_EQ(to_trace(auth("PLAIN", Secret("hunter2"))), "AUTH PLAIN ***");
  EXPECT_EQ(to_line(auth("PLAIN", Secret("x"))).value().reveal(), "AUTH PLAIN eA==\r\n");
  EXPECT_EQ(to_line(auth("EXTERNAL", Secret())).value().reveal(), "AUTH EXTERNAL =\r\n");
  EXPECT_EQ(to_line(auth("PLAIN", Secret(std::string(300, 'x')))).value().reveal(), "AUTH PLAIN\r\n")
      << "too long for one line";
  EXPECT_EQ(to_line(top(7, 0)).value().reveal(), "TOP 7 0\r\n");
}

// What comes out of `wire`, in pieces of `piece`; and what is left behind the end.
std::string unstuffed(std::string_view wire, size_t piece, bool lf_server = false, uint64_t announced = 0) {
  Unstuffer unstuffer;
  unstuffer.start(lf_server, announced);
  std::string out;
  while (!wire.empty() && !unstuffer.done()) {
    const auto taken = unstuffer.feed(wire.substr(0, piece), [&](std::string_view text) -> Status {
      out += text;
      return {};
    });
    wire.remove_prefix(*taken);
  }
  EXPECT_EQ(unstuffer.octets(), out.size());
  return out + (unstuffer.done() ? "|" : "~") + std::string(wire);
}

TEST(Unstuffing, GivesTheExactOctetsHoweverTheyCome) {
  struct Case {
    std::string wire, text;
  };
  const std::vector<Case> cases = {
      {".\r\nrest", "|rest"},
      {"a\r\n.\r\n", "a\r\n|"},
      {"\r\n.\r\n", "\r\n|"},
      {"..\r\n...\r\n..a\r\n.\r\n+OK", ".\r\n..\r\n.a\r\n|+OK"},
      {".b\r\n.\r\n", ".b\r\n|"},
      {".\rb\r\n.\r\n", ".\rb\r\n|"},
      {std::string("\0x\xff\r\n.\r\n", 8), std::string("\0x\xff\r\n|", 6)},
      {"a\rb\n\r\n.\r\n", "a\rb\n\r\n|"},
      {"a\n..b\n.\n", "a\n.b\n|"},
      {"a\n.\r\n", "a\n|"},
      {"a.\r\nb", "a.\r\nb~"},
      {"x\r\n.", "x\r\n~"},
  };
  for (const Case& c : cases) {
    for (size_t piece = 1; piece <= c.wire.size(); ++piece) EXPECT_EQ(unstuffed(c.wire, piece), c.text) << piece;
  }
}

TEST(Unstuffing, DoesNotLetASenderEndTheMessageBehindABareLf) {
  for (size_t piece = 1; piece <= 20; ++piece) {
    EXPECT_EQ(unstuffed("foo\n.\r\nforged\r\n.\r\n", piece, false, 15), "foo\n.\r\nforged\r\n|") << piece;
    EXPECT_EQ(unstuffed("foo\n.\r\nforged", piece, true, 15), "foo\n|forged") << "a server of bare LFs";
    EXPECT_EQ(unstuffed("foo\n.\r\n", piece, false, 4), "foo\n|") << "all octets announced are there";
  }
}

}  // namespace
}  // namespace libsync::pop3

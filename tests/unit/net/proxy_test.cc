#include "libsync/net/proxy.h"

#include <algorithm>

#include "libsync/base/base64.h"

#include "tests/unit/net/net_fixture.h"

namespace twinbox::test {
namespace {

using libsync::net::parse_proxy;
using libsync::net::Proxy;

const std::string kGreeting = "+OK through the tunnel\r\n";
const std::string kSocksBound("\x01\x7f\0\0\x01\x12\x34", 7);

class ThroughProxy : public NetTest {
 protected:
  ThroughProxy() { options_.overall_timeout = 3s; }
  // Connects to mail.example.org:110, whose name nobody here can look up, through the proxy.
  libsync::Result<std::string> greeting(const std::string& scheme, uint16_t port) {
    options_.proxy = *parse_proxy(scheme + std::to_string(port));
    TB_ASSIGN(
        const auto channel,
        libsync::net::connect({.host = "mail.example.org", .port = 110, .security = Security::Plain}, options_, {}));
    return read_up_to(*channel, kGreeting.size());
  }
  libsync::Error socks_answers(std::vector<Step> steps, const std::string& scheme = "socks5://127.0.0.1:") {
    ScriptedServer proxy(std::move(steps));
    const auto got = greeting(scheme, proxy.port());
    return got ? libsync::Error{} : got.error();
  }
};

TEST_F(ThroughProxy, Socks5ResolvesAtTheProxyAndLosesNoByteOfTheServer) {
  const auto answer = std::string("\x05\x00\x00", 3) + kSocksBound + kGreeting;
  ScriptedServer proxy({expect_bytes(3), say(std::string("\x05\x00", 2)), expect_bytes(5 + 16 + 2), say(answer)});
  const auto got = greeting("socks5://127.0.0.1:", proxy.port());
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(*got, kGreeting);
  EXPECT_EQ(proxy.received()[0], std::string("\x05\x01\x00", 3) + std::string("\x05\x01\x00\x03\x10", 5) +
                                     "mail.example.org" + std::string("\x00\x6e", 2));
  EXPECT_EQ(trace_.lines.find("resolved mail"), std::string::npos);
}

TEST_F(ThroughProxy, Socks5PasswordIsSentAndShownNowhere) {
  ScriptedServer proxy({expect_bytes(4), say("\x05\x02"), expect_bytes(3 + 2 + 6), say(std::string("\x01\x00", 2)),
                        expect_bytes(23), say(std::string("\x05\x00\x00", 3) + kSocksBound + kGreeting)});
  const auto got = greeting("socks5://me:hunter@127.0.0.1:", proxy.port());
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_NE(proxy.received()[0].find("\x01\x02me\x06hunter"), std::string::npos);
  EXPECT_EQ(trace_.lines.find("hunter"), std::string::npos);
}

TEST_F(ThroughProxy, Socks5RefusalsAreToldApart) {
  const auto refused = [&](char reply) {
    return socks_answers({expect_bytes(3), say(std::string("\x05\x00", 2)), expect_bytes(23),
                          say(std::string{5, reply, 0} + kSocksBound)});
  };
  EXPECT_EQ(refused(2).code, Errc::Refused);
  EXPECT_NE(refused(2).what.find("its rules forbid it"), std::string::npos);
  EXPECT_EQ(refused(5).code, Errc::Network);
  EXPECT_NE(refused(5).what.find("could not connect to mail.example.org:110: the connection was refused"),
            std::string::npos);
  EXPECT_EQ(refused(99).code, Errc::Network);
  EXPECT_EQ(socks_answers({expect_bytes(3), say("\x05\xff")}).code, Errc::Auth);
  const auto wrong = socks_answers({expect_bytes(4), say("\x05\x02"), expect_bytes(11), say("\x01\x01")},
                                   "socks5://me:hunter@127.0.0.1:");
  EXPECT_EQ(wrong.code, Errc::Auth);
  EXPECT_EQ(wrong.text().find("hunter"), std::string::npos);
}

TEST_F(ThroughProxy, Socks5AnswersThatAreNoneEndTheTry) {
  EXPECT_EQ(socks_answers({expect_bytes(3), say("HTTP/1.1 400 Bad Request\r\n\r\n")}).code, Errc::Protocol);
  EXPECT_EQ(socks_answers({expect_bytes(3), say("\x05\x07")}).code, Errc::Protocol);
  EXPECT_EQ(socks_answers({expect_bytes(3), say("\x05\x02")}).code, Errc::Protocol);  // a method not offered
  EXPECT_EQ(socks_answers({expect_bytes(3), say(std::string("\x05\x00", 2)), expect_bytes(23),
                           say(std::string("\x05\x00\x00\x09zzzzzzzz", 12))})
                .code,
            Errc::Protocol);
  EXPECT_EQ(socks_answers({expect_bytes(3), say("\x05"), close()}).code, Errc::Network);
  options_.overall_timeout = 200ms;
  EXPECT_EQ(socks_answers({expect_bytes(3), hang()}).code, Errc::Network);
}

TEST_F(ThroughProxy, HttpConnectCarriesTheCredentialsAndLosesNoByteOfTheServer) {
  ScriptedServer proxy({expect("CONNECT mail.example.org:110 HTTP/1.1"), expect("Host: mail.example.org:110"),
                        expect("Proxy-Authorization: Basic " + libsync::base64_encode("me:hunter")), expect(""),
                        say("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n" + kGreeting)});
  const auto got = greeting("http://me:hunter@127.0.0.1:", proxy.port());
  ASSERT_TRUE(got) << got.error().text() << proxy.deviation();
  EXPECT_EQ(*got, kGreeting);
  EXPECT_EQ(proxy.deviation(), "");
  EXPECT_EQ(trace_.lines.find("hunter"), std::string::npos);
}

TEST_F(ThroughProxy, HttpRefusalsAndNonsenseAreToldApart) {
  const auto answers = [&](const std::string& text) {
    return socks_answers({expect("CONNECT.*"), expect("Host.*"), expect(""), say(text)}, "http://127.0.0.1:");
  };
  EXPECT_EQ(answers("HTTP/1.1 403 Forbidden\r\n\r\n").code, Errc::Refused);
  EXPECT_EQ(answers("HTTP/1.1 403 \x1b[31mForbidden\r\n\r\n").text().find('\x1b'), std::string::npos);
  EXPECT_EQ(answers("HTTP/1.1 407 Who\r\n\r\n").code, Errc::Auth);
  EXPECT_EQ(answers("HTTP/1.1 502 Bad Gateway\r\n\r\n").code, Errc::Network);
  EXPECT_EQ(answers("HTTP/1.1 502 Bad Gateway\r\n\r\n").server, "502 Bad Gateway");
  EXPECT_EQ(answers("+OK POP3\r\n").code, Errc::Protocol);
  EXPECT_EQ(answers("HTTP/1.1 abc\r\n\r\n").code, Errc::Protocol);
  EXPECT_EQ(answers("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')).code, Errc::Protocol);
  EXPECT_EQ(answers("HTTP/1.1 200 OK\r\n").code, Errc::Network);  // closed in the middle
}

TEST_F(ThroughProxy, TlsIsCheckedAgainstTheServerBehindIt) {
  const auto certificate = authority_.issue({.dns = {"mail.example.org"}});
  ScriptedServer proxy({expect("CONNECT.*"), expect("Host.*"), expect(""), say("HTTP/1.1 200 OK\r\n\r\n"),
                        start_tls(certificate), say("in")});
  options_.proxy = *parse_proxy("http://127.0.0.1:" + std::to_string(proxy.port()));
  auto channel = libsync::net::connect({.host = "mail.example.org", .port = 993}, options_, {});
  ASSERT_TRUE(channel) << channel.error().text();
  EXPECT_EQ(read_up_to(**channel, 2), "in");
}

TEST(ProxyAddress, FormsAndDefaults) {
  const auto socks = parse_proxy("socks5h://us%40er:p%3Aw@proxy.example");
  ASSERT_TRUE(socks);
  EXPECT_EQ(socks->kind, Proxy::Kind::Socks5);
  EXPECT_EQ(socks->host, "proxy.example");
  EXPECT_EQ(socks->port, 1080);
  EXPECT_EQ(socks->user, "us@er");
  EXPECT_EQ(socks->password.reveal(), "p:w");
  const auto http = parse_proxy("http://[::1]:3128/");
  ASSERT_TRUE(http);
  EXPECT_EQ(http->kind, Proxy::Kind::HttpConnect);
  EXPECT_EQ(http->host, "::1");
  EXPECT_EQ(http->port, 3128);
  for (const std::string bad : {"", "proxy:1080", "https://x", "socks4://x", "socks5://", "socks5://:secret@",
                                "http://x/path", "http://x:0", "http://x:99999"}) {
    const auto none = parse_proxy(bad);
    ASSERT_FALSE(none) << bad;
    EXPECT_EQ(none.error().code, Errc::Config);
    EXPECT_EQ(none.error().text().find("secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace twinbox::test

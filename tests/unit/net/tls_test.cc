#include <thread>

#include <openssl/ssl.h>

#include "tests/unit/net/net_fixture.h"

namespace twinbox::test {
namespace {

using libsync::net::parse_pin;

class Tls : public NetTest {
 protected:
  // Connects with implicit TLS to a server with this certificate; the error, or "" when it worked.
  libsync::Error outcome(const Certificate& certificate, const std::string& host = "127.0.0.1") {
    LoopbackServer server([&](Peer& peer) {
      if (peer.start_tls({.certificate = certificate})) peer.wait_for_close();
    });
    options_.resolver = [](auto&&...) { return std::vector<libsync::net::Address>{{"127.0.0.1", false}}; };
    auto channel = connect_to(server.port(), Security::ImplicitTls, host);
    return channel ? libsync::Error{} : channel.error();
  }
  void pin(const std::string& digest) { options_.tls.pins = {*parse_pin("sha256:" + digest)}; }
};

TEST_F(Tls, SpeaksToACertificateOfATrustedAuthority) {
  ScriptedServer server({.certificate = authority_.issue_local()},
                        {{say("* OK\r\n"), expect("a NOOP"), say("a OK\r\n")}});
  auto channel = connect_to(server.port(), Security::ImplicitTls);
  ASSERT_TRUE(channel) << channel.error().text();
  EXPECT_EQ(*(*channel)->receive(soon(), {}), "* OK\r\n");
  (*channel)->send("a NOOP\r\n");
  EXPECT_EQ(*(*channel)->receive(soon(), {}), "a OK\r\n");
  EXPECT_EQ(*(*channel)->receive(soon(), {}), "");
  ASSERT_NE((*channel)->tls(), nullptr);
  EXPECT_EQ((*channel)->tls()->version, "TLSv1.3");
  EXPECT_EQ((*channel)->tls()->subject, "localhost");
  EXPECT_EQ((*channel)->tls()->fingerprint_sha256.size(), 64U);
  EXPECT_EQ((*channel)->tls()->tls_server_end_point.size(), 32U);
  EXPECT_EQ((*channel)->tls()->tls_exporter.size(), 32U);
  EXPECT_NE(trace_.lines.find("TLS 1.3, TLS_"), std::string::npos);
  EXPECT_NE(trace_.lines.find("certificate localhost expires "), std::string::npos);
  channel->reset();
  EXPECT_EQ(server.deviation(), "");
}

TEST_F(Tls, ChecksTheHostNameAndTheFinalDotIsNoPartOfIt) {
  EXPECT_EQ(outcome(authority_.issue({.dns = {"mail.example.org"}}), "mail.example.org.").text(),
            libsync::Error{}.text());
  EXPECT_EQ(outcome(authority_.issue({.dns = {"*.example.org"}}), "mail.example.org").what, "");
  EXPECT_EQ(outcome(authority_.issue({.dns = {"*.org"}}), "mail.example.org").code, Errc::Tls);
  EXPECT_EQ(outcome(authority_.issue({.dns = {"m*.example.org"}}), "mail.example.org").code, Errc::Tls);
}

TEST_F(Tls, NamesTheNamesOfACertificateForAnother) {
  const auto error = outcome(authority_.issue({.dns = {"one.example", "two.example"}}), "three.example");
  EXPECT_EQ(error.code, Errc::Tls);
  EXPECT_EQ(error.what, "the certificate of three.example is for another name: one.example, two.example");
}

TEST_F(Tls, ACommonNameAloneProvesNothing) {
  const auto error = outcome(authority_.issue({.common_name = "mail.example.org"}), "mail.example.org");
  EXPECT_EQ(error.code, Errc::Tls);
  EXPECT_NE(error.what.find("only the common name \"mail.example.org\""), std::string::npos) << error.what;
  EXPECT_NE(error.hint.find("tls_pin"), std::string::npos);
  EXPECT_EQ(
      outcome(authority_.issue({.common_name = "mail.example.org", .ips = {"127.0.0.1"}}), "mail.example.org").code,
      Errc::Tls)
      << "nor beside an address";
}

TEST_F(Tls, TheTraceShowsTheCertificateBeforeItIsJudged) {
  const auto bad = authority_.issue({.dns = {"one.example"}, .valid_from = -200'000, .valid_to = -100'000});
  EXPECT_EQ(outcome(bad, "two.example").code, Errc::Tls);
  const auto at =
      trace_.lines.find("certificate received: for one.example, issued by twinbox test authority, expires ");
  ASSERT_NE(at, std::string::npos) << trace_.lines;
  EXPECT_NE(trace_.lines.find("sha256:" + bad.fingerprint, at), std::string::npos);
  EXPECT_NE(trace_.lines.find("failed: the certificate of two.example ", at), std::string::npos);
}

TEST_F(Tls, AnAddressIsCheckedAsAnAddress) {
  EXPECT_EQ(outcome(authority_.issue({.ips = {"127.0.0.1"}})).what, "");
  const auto error = outcome(authority_.issue({.dns = {"127.0.0.1"}, .ips = {"127.0.0.9"}}));
  EXPECT_EQ(error.what, "the certificate of 127.0.0.1 is for another name: 127.0.0.1, 127.0.0.9");
}

TEST_F(Tls, ANulInANameMatchesNothing) {
  const auto error =
      outcome(authority_.issue({.common_name = "x", .dns = {std::string("mail.example.org\0.evil.example", 30)}}),
              "mail.example.org");
  EXPECT_EQ(error.code, Errc::Tls);
  EXPECT_EQ(error.what.find('\0'), std::string::npos);
}

TEST_F(Tls, ExpiredAndNotYetValidSayWhen) {
  const auto expired = outcome(authority_.issue({.ips = {"127.0.0.1"}, .valid_from = -200'000, .valid_to = -100'000}));
  EXPECT_EQ(expired.code, Errc::Tls);
  EXPECT_TRUE(expired.what.starts_with("the certificate of 127.0.0.1 expired on 2")) << expired.what;
  const auto future = outcome(authority_.issue({.ips = {"127.0.0.1"}, .valid_from = 100'000, .valid_to = 200'000}));
  EXPECT_TRUE(future.what.starts_with("the certificate of 127.0.0.1 is not valid before 2")) << future.what;
}

TEST_F(Tls, SelfSignedAndUnknownAuthorityGiveTheFingerprintToPin) {
  const auto own = self_signed({.ips = {"127.0.0.1"}});
  const auto error = outcome(own);
  EXPECT_EQ(error.what, "the certificate of 127.0.0.1 is self-signed");
  EXPECT_NE(error.hint.find("tls_pin = \"sha256:" + own.fingerprint), std::string::npos);
  EXPECT_NE(error.hint.find("tls_ca"), std::string::npos);
  const CertAuthority other("someone else");
  const auto unknown = outcome(other.issue_local());
  EXPECT_EQ(unknown.code, Errc::Tls);
  EXPECT_EQ(unknown.what, "the certificate of 127.0.0.1 comes from an unknown authority: someone else");
}

TEST_F(Tls, APinOfCertificateOrKeyDecidesAlone) {
  const auto bad = self_signed({.dns = {"elsewhere.example"}, .valid_from = -200'000, .valid_to = -100'000});
  pin(bad.fingerprint);
  EXPECT_EQ(outcome(bad).what, "");
  pin(bad.key_fingerprint);
  EXPECT_EQ(outcome(bad).what, "");
  const auto good = authority_.issue_local();
  const auto error = outcome(good);
  EXPECT_EQ(error.code, Errc::Tls);
  EXPECT_EQ(error.what, "the certificate of 127.0.0.1 is not the pinned one: it is sha256:" + good.fingerprint);
}

TEST_F(Tls, ServerNameStandsInForTheHost) {
  options_.tls.server_name = "mail.example.org";
  EXPECT_EQ(outcome(authority_.issue({.dns = {"mail.example.org"}})).what, "");
  EXPECT_EQ(outcome(authority_.issue_local()).code, Errc::Tls);
}

TEST_F(Tls, APlainServerIsNamedAsSuch) {
  ScriptedServer server({say("+OK POP3 ready\r\n"), hang()});
  const auto channel = connect_to(server.port(), Security::ImplicitTls);
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code, Errc::Protocol);
  EXPECT_NE(channel.error().what.find("does not speak TLS on this port"), std::string::npos);
  EXPECT_NE(channel.error().hint.find("starttls"), std::string::npos);
}

TEST_F(Tls, OldVersionsAreRefused) {
  LoopbackServer server(
      [&](Peer& peer) { peer.start_tls({.certificate = authority_.issue_local(), .max_version = TLS1_1_VERSION}); });
  const auto channel = connect_to(server.port(), Security::ImplicitTls);
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code, Errc::Tls);
  EXPECT_NE(channel.error().what.find("too old"), std::string::npos) << channel.error().text();
}

TEST_F(Tls, Tls12StillWorks) {
  LoopbackServer server([&](Peer& peer) {
    if (peer.start_tls({.certificate = authority_.issue_local(), .max_version = TLS1_2_VERSION})) peer.write("hello");
  });
  auto channel = connect_to(server.port(), Security::ImplicitTls);
  ASSERT_TRUE(channel) << channel.error().text();
  EXPECT_EQ((*channel)->tls()->version, "TLSv1.2");
  EXPECT_EQ((*channel)->tls()->tls_exporter, "");
  EXPECT_EQ(*(*channel)->receive(soon(), {}), "hello");
}

TEST_F(Tls, ClosingResettingOrGarbageDuringTheHandshakeIsAnError) {
  const std::vector<std::vector<Step>> scripts = {{close()},
                                                  {reset()},
                                                  {expect_bytes(50), close()},
                                                  {say(std::string("\x16\x03\x03\x00\x04gibberish", 14)), hang()}};
  for (const auto& script : scripts) {
    ScriptedServer server(script);
    const auto channel = connect_to(server.port(), Security::ImplicitTls);
    ASSERT_FALSE(channel);
    EXPECT_TRUE(channel.error().code == Errc::Network || channel.error().code == Errc::Tls);
    EXPECT_EQ(channel.error().text().find('\n'), std::string::npos);
  }
}

TEST_F(Tls, AStreamCutWithoutItsClosingMessageIsAnErrorAndAnOrderlyEndIsNot) {
  const auto certificate = authority_.issue_local();
  for (const bool orderly : {true, false}) {
    ScriptedServer server({.certificate = certificate}, {{say("all of it"), orderly ? close() : close_abruptly()}});
    auto channel = connect_to(server.port(), Security::ImplicitTls);
    ASSERT_TRUE(channel);
    EXPECT_EQ(*(*channel)->receive(soon(), {}), "all of it");
    const auto end = (*channel)->receive(soon(), {});
    EXPECT_EQ(end.has_value(), orderly);
    EXPECT_EQ((*channel)->broken(), !orderly);
    if (!orderly) {
      EXPECT_EQ(end.error().code, Errc::Network);
    }
  }
}

TEST_F(Tls, StartTlsTurnsAPlainConnectionIntoAnEncryptedOne) {
  const auto certificate = authority_.issue_local();
  ScriptedServer server(
      {say("+OK\r\n"), expect("STLS"), say("+OK\r\n"), start_tls(certificate), expect("CAPA"), say("+OK in\r\n")});
  auto channel = connect_to(server.port(), Security::StartTls);
  ASSERT_TRUE(channel);
  EXPECT_EQ(*(*channel)->receive(soon(), {}), "+OK\r\n");
  (*channel)->send("STLS\r\n");
  EXPECT_EQ(*(*channel)->receive(soon(), {}), "+OK\r\n");
  EXPECT_EQ((*channel)->tls(), nullptr);
  ASSERT_TRUE((*channel)->start_tls(0, soon(), {}));
  EXPECT_NE((*channel)->tls(), nullptr);
  (*channel)->send("CAPA\r\n");
  EXPECT_EQ(*(*channel)->receive(soon(), {}), "+OK in\r\n");
  channel->reset();
  EXPECT_EQ(server.deviation(), "");
  EXPECT_EQ(server.received()[0], "STLS\r\nCAPA\r\n");
}

TEST_F(Tls, StartTlsVerifiesLikeImplicitTls) {
  ScriptedServer server({say("+OK\r\n"), start_tls(self_signed({.ips = {"127.0.0.1"}}))});
  auto channel = connect_to(server.port(), Security::StartTls);
  ASSERT_TRUE((*channel)->receive(soon(), {}));
  EXPECT_EQ((*channel)->start_tls(0, soon(), {}).error().what, "the certificate of 127.0.0.1 is self-signed");
  EXPECT_TRUE((*channel)->broken());
  EXPECT_EQ((*channel)->receive(soon(), {}).error().code, Errc::Tls);
}

TEST_F(Tls, BytesBehindTheAnswerToStartTlsAreAnInjection) {
  ScriptedServer server({say("+OK\r\n-ERR injected\r\n"), hang()});
  auto channel = connect_to(server.port(), Security::StartTls);
  const auto got = (*channel)->receive(soon(), {});
  ASSERT_TRUE(got);
  const auto status = (*channel)->start_tls(got->size() - 5, soon(), {});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::Protocol);
  EXPECT_EQ((*channel)->cost().bytes_out, 0U);  // no ClientHello
}

TEST_F(Tls, BytesWaitingInTheSocketBeforeStartTlsAreAnInjectionToo) {
  ScriptedServer server({say("+OK\r\n"), expect("x"), say("late\r\n"), hang()});
  auto channel = connect_to(server.port(), Security::StartTls);
  ASSERT_TRUE((*channel)->receive(soon(), {}));
  (*channel)->send("x\r\n");
  EXPECT_EQ((*channel)->start_tls(0, soon(), {}).error().code, Errc::Internal);  // still queued
  ASSERT_TRUE((*channel)->flush(soon(), {}));
  // Until the segment is there; a receive() would take it.
  std::this_thread::sleep_for(100ms);
  EXPECT_EQ((*channel)->start_tls(0, soon(), {}).error().code, Errc::Protocol);
}

TEST_F(Tls, AnAuthorityFileThatIsNoneIsNamed) {
  ScriptedServer server({hang()});
  options_.tls.ca_file = "/nonexistent/ca.pem";
  const auto channel = connect_to(server.port(), Security::ImplicitTls);
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code, Errc::Config);
  EXPECT_EQ(channel.error().what, "cannot read certificates from /nonexistent/ca.pem");
}

TEST(Pins, AreHexOrBase64AndNothingElse) {
  const std::string hex(64, 'a');
  ASSERT_TRUE(parse_pin("sha256:" + hex));
  EXPECT_EQ(parse_pin("SHA256:" + std::string(64, 'A')).value(), parse_pin("sha256:" + hex).value());
  std::string colons = "sha256:aa";
  for (int i = 1; i < 32; ++i) colons += ":AA";
  EXPECT_EQ(parse_pin(colons).value(), parse_pin("sha256:" + hex).value());
  EXPECT_EQ(parse_pin("sha256:qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=").value(),
            parse_pin("sha256:" + hex).value());
  for (const std::string bad : {"", "sha256:", "sha1:aa", "aaaa", "sha256:aa", "sha256:qqqq"})
    EXPECT_EQ(parse_pin(bad).error().code, Errc::Config) << bad;
  EXPECT_FALSE(parse_pin("sha256:" + std::string(63, 'a') + "g"));
}

}  // namespace
}  // namespace twinbox::test

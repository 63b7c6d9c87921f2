// This program as the server, with itself as the client.
#include "libsync/net/listen.h"

#include <ctime>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "libsync/base/digest.h"

#include "tests/unit/net/net_fixture.h"

namespace twinbox::test {
namespace {

using libsync::net::Listener;
using libsync::net::make_certificate;
using libsync::net::ServerCertificate;
using libsync::net::TlsServer;

class Listening : public NetTest {
 protected:
  Listening() : listener_(std::move(*Listener::open("127.0.0.1", 0))) {}

  static ServerCertificate certificate(const std::vector<std::string>& names = {"localhost", "127.0.0.1", "::1"}) {
    return *make_certificate(names, 1'700'000'000);
  }

  // Accepts one connection on a thread and does that with it.
  std::jthread serving(std::function<void(Channel&, std::stop_token)> with) {
    return std::jthread([this, with = std::move(with)](std::stop_token stop) {
      auto channel = listener_->accept(tls_, nullptr, stop);
      if (channel) with(**channel, stop);
    });
  }
  void trust() { options_.tls.pins = {tls_->fingerprint()}; }

  std::unique_ptr<Listener> listener_;
  std::shared_ptr<TlsServer> tls_ = *TlsServer::make(certificate());
};

void echo(Channel& channel, std::stop_token stop) {
  while (true) {
    const auto came = channel.receive(soon(), stop);
    if (!came || came->empty()) return;
    channel.send(*came);
    if (!channel.flush(soon(), stop)) return;
  }
}

TEST_F(Listening, TakesAConnectionInPlainText) {
  const auto server = serving([](Channel& channel, std::stop_token stop) {
    EXPECT_EQ(channel.host(), "127.0.0.1");
    EXPECT_EQ(channel.tls(), nullptr);
    echo(channel, stop);
  });
  auto client = connect_to(listener_->port(), Security::Plain);
  ASSERT_TRUE(client) << client.error().text();
  (*client)->send("hello");
  EXPECT_EQ(*(*client)->receive(soon(), {}), "hello");
}

TEST_F(Listening, BothEndsOfTlsKnowTheSameOfIt) {
  trust();
  std::string exporter, end_point;
  {
    auto server = serving([&](Channel& channel, std::stop_token stop) {
      const auto begun = channel.start_tls(0, soon(), stop);
      ASSERT_TRUE(begun) << begun.error().text();
      exporter = channel.tls()->tls_exporter;
      end_point = channel.tls()->tls_server_end_point;
      echo(channel, stop);
    });
    auto client = connect_to(listener_->port(), Security::ImplicitTls);
    ASSERT_TRUE(client) << client.error().text();
    (*client)->send(std::string(1'000'000, 'x'));
    size_t came = 0;
    while (came < 1'000'000) came += (*client)->receive(soon(), {})->size();
    EXPECT_EQ((*client)->tls()->fingerprint_sha256, libsync::to_hex(tls_->fingerprint()));
    client->reset();
    server.join();
    EXPECT_EQ(came, 1'000'000U);
    EXPECT_EQ(exporter.size(), 32U);
    EXPECT_EQ(end_point.size(), 32U);
  }
  auto again = serving([&](Channel& channel, std::stop_token stop) {
    ASSERT_TRUE(channel.start_tls(0, soon(), stop));
    channel.send(channel.tls()->tls_exporter);
    (void)channel.flush(soon(), stop);
  });
  auto client = connect_to(listener_->port(), Security::ImplicitTls);
  ASSERT_TRUE(client);
  EXPECT_EQ(*(*client)->receive(soon(), {}), (*client)->tls()->tls_exporter);
  EXPECT_EQ((*client)->tls()->tls_server_end_point, end_point);
  EXPECT_NE((*client)->tls()->tls_exporter, exporter) << "of each connection";
}

TEST_F(Listening, TlsMayBeginLater) {
  trust();
  const auto server = serving([](Channel& channel, std::stop_token stop) {
    EXPECT_EQ(*channel.receive(soon(), stop), "STLS\r\n");
    channel.send("+OK\r\n");
    ASSERT_TRUE(channel.flush(soon(), stop));
    ASSERT_TRUE(channel.start_tls(0, soon(), stop));
    echo(channel, stop);
  });
  auto client = connect_to(listener_->port(), Security::StartTls);
  (*client)->send("STLS\r\n");
  EXPECT_EQ(*(*client)->receive(soon(), {}), "+OK\r\n");
  ASSERT_TRUE((*client)->start_tls(0, soon(), {}));
  (*client)->send("inside");
  EXPECT_EQ(*(*client)->receive(soon(), {}), "inside");
}

TEST_F(Listening, ACertificateThatItMadeIsForItsNamesAndNoAuthority) {
  // Who names it as an anchor reaches it by each of its names.
  const ServerCertificate mine = *make_certificate(std::vector<std::string>{"localhost", "127.0.0.1"}, ::time(nullptr));
  std::ofstream(dir_ / "server.pem") << mine.chain;
  options_.tls.ca_file = dir_ / "server.pem";
  tls_ = *TlsServer::make(mine);
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto server = serving([](Channel& channel, std::stop_token stop) {
      (void)channel.start_tls(0, soon(), stop);
      (void)channel.receive(soon(), stop);
    });
    const auto client = connect_to(listener_->port(), Security::ImplicitTls, host);
    EXPECT_TRUE(client) << host << ": " << client.error().text();
  }
  EXPECT_NE(certificate().key.reveal(), certificate().key.reveal());
  for (const char* bad : {"", "a,DNS:b", "a b", "a\nb", "*"}) {
    const std::vector<std::string> names = {bad};
    EXPECT_FALSE(make_certificate(names, 1'700'000'000)) << bad;
  }
  EXPECT_FALSE(make_certificate({}, 1'700'000'000));
}

TEST_F(Listening, SaysWhatIsWrongWithACertificate) {
  const ServerCertificate one = certificate(), other = certificate();
  const auto wrong = [](std::string chain, const libsync::Secret& key) {
    const auto made = TlsServer::make({.chain = std::move(chain), .key = key});
    return made ? std::string() : made.error().what;
  };
  EXPECT_EQ(wrong(one.chain, one.key), "");
  EXPECT_EQ(wrong(one.chain + other.chain, one.key), "");
  EXPECT_EQ(wrong(one.chain, other.key), "the private key is that of another certificate");
  EXPECT_EQ(wrong("", one.key), "no certificate in PEM there");
  EXPECT_EQ(wrong(one.chain, libsync::Secret("nothing")), "no private key in PEM there, or one with a passphrase");
  EXPECT_EQ(wrong(one.key.reveal(), one.key), "no certificate in PEM there");
}

TEST_F(Listening, AClientThatSpeaksSomethingElseIsToldOf) {
  libsync::Error error;
  {
    auto server = serving([&](Channel& channel, std::stop_token stop) {
      const auto begun = channel.start_tls(0, soon(), stop);
      ASSERT_FALSE(begun);
      error = begun.error();
    });
    auto client = connect_to(listener_->port(), Security::Plain);
    (*client)->send("USER joe\r\nPASS pencil\r\n");
    (void)(*client)->flush(soon(), {});
    server.join();
  }
  EXPECT_EQ(error.code, Errc::Tls);
  EXPECT_NE(error.what.find("the TLS handshake with 127.0.0.1 failed"), std::string::npos) << error.what;
  tls_.reset();
  const auto server = serving([](Channel& channel, std::stop_token stop) {
    EXPECT_EQ(channel.start_tls(0, soon(), stop).error().code, Errc::Internal);
  });
  EXPECT_TRUE(connect_to(listener_->port(), Security::Plain));
}

TEST_F(Listening, StopsWhenItIsAskedTo) {
  std::stop_source stop;
  std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  EXPECT_EQ(listener_->accept(nullptr, nullptr, stop.get_token()).error().code, Errc::Cancelled);
  EXPECT_EQ(listener_->accept(nullptr, nullptr, stop.get_token()).error().code, Errc::Cancelled) << "and at once";
}

TEST_F(Listening, SaysWhyItCannotListen) {
  const auto taken = Listener::open("127.0.0.1", listener_->port());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::Busy);
  EXPECT_EQ(taken.error().what, "somebody listens at 127.0.0.1:" + std::to_string(listener_->port()) + " already");
  EXPECT_EQ(Listener::open("nowhere", 0).error().code, Errc::Config);
  EXPECT_EQ(Listener::open("192.0.2.1", 0).error().code, Errc::Config);
  EXPECT_EQ(Listener::adopt(0).error().code, Errc::Config);
}

TEST_F(Listening, TakesASocketThatSomebodyElseOpened) {
  // As systemd hands one over.
  const int given = ::socket(AF_INET, SOCK_STREAM, 0);
  ASSERT_EQ(::listen(given, 1), 0);
  listener_ = std::move(*Listener::adopt(given));
  EXPECT_NE(listener_->port(), 0);
  const auto server = serving(echo);
  auto client = connect_to(listener_->port(), Security::Plain);
  (*client)->send("hello");
  EXPECT_EQ(*(*client)->receive(soon(), {}), "hello");
}

}  // namespace
}  // namespace twinbox::test

// The whole server on real sockets: limits on connections, changes told across them, and its end.
#include "libsync/server/service.h"

#include <future>
#include <thread>

#include <gmock/gmock.h>

#include "libsync/net/connect.h"
#include "libsync/net/tls_server.h"
#include "libsync/server/mail_host.h"
#include "libsync/server/memory_mail.h"

namespace libsync::server {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

class MailService : public ::testing::Test {
 protected:
  void start(size_t connections = 10) {
    const auto imap = [this](const Peer& peer, Steady::time_point now) { return host.imap(peer, now); };
    auto started = Service::start({.endpoints = {{.name = "imap", .make = imap}},
                                   .connections = connections,
                                   .woken_by = [this](const auto& wake) { host.wake_by(wake); }});
    ASSERT_TRUE(started) << started.error().text();
    service = std::move(*started);
  }

  std::unique_ptr<net::Channel> connect() {
    auto channel = net::connect(
        {.host = "127.0.0.1", .port = service->endpoints().front().port, .security = net::Security::Plain}, {}, {});
    EXPECT_TRUE(channel) << (channel ? "" : channel.error().text());
    return std::move(*channel);
  }

  // What comes until `end` stands in it, or the connection ends.
  static std::string hear(net::Channel& channel, std::string_view end) {
    std::string heard;
    while (heard.find(end) == std::string::npos) {
      const auto bytes = channel.receive(Steady::now() + 10s, {});
      if (!bytes || bytes->empty()) break;
      heard += *bytes;
    }
    return heard;
  }
  static std::string ask(net::Channel& channel, const std::string& line, std::string_view end) {
    channel.send(line + "\r\n");
    return hear(channel, end);
  }

  std::shared_ptr<MemoryMail> mail = std::make_shared<MemoryMail>();
  FolderId inbox = mail->make_folder({"INBOX"}, sync::Role::Inbox);
  MailHost host{{.users = {{"joe", mail}}, .password = Secret("pencil"), .salt = Secret("s"), .plain_allowed = true}};
  std::unique_ptr<Service> service;
};

TEST_F(MailService, WhatOneConnectionDoesTheOtherHearsAtOnce) {
  start();
  const auto idle = connect(), busy = connect();
  for (const auto& each : {idle.get(), busy.get()}) {
    hear(*each, "\r\n");
    ask(*each, "a LOGIN joe pencil", "a OK");
  }
  ask(*idle, "b SELECT INBOX", "b OK");
  ask(*idle, "c IDLE", "+ ");
  const auto before = Steady::now();
  EXPECT_THAT(ask(*busy, "b APPEND INBOX {3+}\r\nabc", "b OK"), HasSubstr("APPENDUID"));
  EXPECT_THAT(hear(*idle, "EXISTS"), HasSubstr("* 1 EXISTS\r\n"));
  EXPECT_LT(Steady::now() - before, 5s);
}

TEST_F(MailService, OneConnectionTooManyIsToldSoAndTheOthersGoOn) {
  start(2);
  const auto one = connect();
  EXPECT_THAT(hear(*one, "\r\n"), StartsWith("* OK"));
  const auto two = connect();
  EXPECT_THAT(hear(*two, "\r\n"), StartsWith("* OK"));
  const auto three = connect();
  EXPECT_THAT(hear(*three, "connections"), HasSubstr("* BYE [UNAVAILABLE] too many connections"));
  EXPECT_THAT(ask(*one, "a NOOP", "a OK"), EndsWith("a OK done\r\n"));
  ask(*two, "a LOGOUT", "a OK");
  // Its place is free as soon as its thread has ended.
  std::string heard;
  for (int turn = 0; turn < 100 && !heard.starts_with("* OK"); ++turn) {
    const auto next = connect();
    heard = hear(*next, "twinbox");
    if (!heard.starts_with("* OK")) std::this_thread::sleep_for(20ms);
  }
  EXPECT_THAT(heard, StartsWith("* OK"));
}

// A mail program that takes no certificate which signs itself goes without a word.
TEST_F(MailService, WhyTlsCameToNothingIsInTheTrace) {
  class Lines final : public Trace {
   public:
    explicit Lines(std::promise<std::string>& first) : first_(first) {}
    void line(TraceKind, std::string_view text) override { first_.set_value(std::string(text)); }

   private:
    std::promise<std::string>& first_;
  };
  std::promise<std::string> first;
  auto said = first.get_future();
  const auto imap = [this](const Peer& peer, Steady::time_point now) { return host.imap(peer, now); };
  auto started = Service::start(
      {.endpoints = {{.name = "imaps", .tls = true, .make = imap}},
       .tls = *net::TlsServer::make(*net::make_certificate(std::vector<std::string>{"127.0.0.1"}, 1'700'000'000)),
       .trace = [&](const std::string&) { return std::make_unique<Lines>(first); }});
  ASSERT_TRUE(started) << started.error().text();
  service = std::move(*started);
  ask(*connect(), "a LOGIN joe pencil", "\n");
  ASSERT_EQ(said.wait_for(10s), std::future_status::ready);
  EXPECT_THAT(said.get(), HasSubstr("TLS"));
}

TEST_F(MailService, ItsEndIsToldToThoseWhoAreThere) {
  start();
  const auto one = connect();
  hear(*one, "\r\n");
  ask(*one, "a LOGIN joe pencil", "a OK");
  service.reset();
  EXPECT_THAT(hear(*one, "\r\n"), StartsWith("* BYE"));
  mail->put(inbox, "x");  // nobody is woken any more
}

}  // namespace
}  // namespace libsync::server

#include "libsync/server/link.h"

#include <gtest/gtest.h>

#include "libsync/server/connection.h"
#include "libsync/server/imap_session.h"
#include "libsync/server/memory_mail.h"
#include "libsync/server/pop3_session.h"

namespace libsync::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Tick = Steady::duration;

// Says each line back, `late` behind its coming; "big N" is answered by N octets, "bye" ends.
class Echo final : public Session {
 public:
  explicit Echo(Tick late = {}) : late_(late) {}
  void feed(std::string_view bytes, Steady::time_point now) override {
    heard_ += bytes;
    due_ = now + late_;
  }
  bool wants_input() const override { return true; }
  std::string take_output(Steady::time_point now) override {
    if (heard_.empty() || now < due_) return {};
    over_ = heard_ == "bye";
    const std::string said = std::exchange(heard_, {});
    return said.starts_with("big ") ? std::string(std::stoul(said.substr(4)), 'x') : said;
  }
  bool wants_tls() const override { return tls_; }
  void tls_started(std::vector<sasl::ChannelBinding>, Steady::time_point) override { tls_ = false; }
  Deadline deadline() const override { return heard_.empty() ? Deadline::max() : due_; }
  void shut_down(std::string_view) override {}
  bool over() const override { return over_; }

 private:
  Tick late_;
  std::string heard_;
  Steady::time_point due_{};
  bool over_ = false, tls_ = true;
};

class Link : public ::testing::Test {
 protected:
  std::unique_ptr<net::Channel> connect(Tick late = {}) {
    auto channel = world.connect(options, [late](auto) { return std::make_unique<Echo>(late); });
    EXPECT_TRUE(channel);
    begin = world.now();
    return channel ? std::move(*channel) : nullptr;
  }
  Result<std::string> ask(net::Channel& channel, std::string_view text, Tick patience = seconds(100)) {
    channel.send(text);
    return hear(channel, patience);
  }
  Result<std::string> hear(net::Channel& channel, Tick patience = seconds(100)) {
    TB_ASSIGN(const auto came, channel.receive(world.now() + patience, {}));
    return std::string(came);
  }
  Tick passed() const { return world.now() - begin; }

  LinkWorld world;
  LinkOptions options;
  Steady::time_point begin{};
};

TEST_F(Link, AnAnswerTakesTheDelayTwice) {
  options.delay = milliseconds(50);
  const auto before = world.now();
  const auto channel = connect();
  EXPECT_EQ(world.now() - before, milliseconds(100)) << "TCP";
  EXPECT_EQ(ask(*channel, "hello"), "hello");
  EXPECT_EQ(passed(), milliseconds(100));
  EXPECT_EQ(channel->cost().round_trips, 1U);
  EXPECT_EQ(channel->cost().bytes_out, 5U);
  EXPECT_EQ(channel->cost().bytes_in, 5U);
}

TEST_F(Link, ARateTakesItsTimeForEveryOctet) {
  options.rate_in = 1000;
  options.rate_out = 10;
  const auto channel = connect();
  ASSERT_EQ(ask(*channel, "big 3000")->size(), 1460U);
  EXPECT_EQ(passed(), milliseconds(800 + 1460));
  ASSERT_EQ(hear(*channel)->size(), 1460U);
  ASSERT_EQ(hear(*channel)->size(), 80U);
  EXPECT_EQ(passed(), milliseconds(800 + 3000));
  EXPECT_EQ(channel->cost().round_trips, 1U);
  channel->send("0123456789");
  ASSERT_TRUE(channel->flush(Deadline::max(), {}));
  EXPECT_EQ(passed(), milliseconds(800 + 3000 + 1000));
}

TEST_F(Link, WhatIsLateComesWhenItIsDueAndNothingIsLostByADeadline) {
  const auto channel = connect(seconds(3));
  const auto early = ask(*channel, "hello", seconds(2));
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, Errc::Network);
  EXPECT_FALSE(channel->broken());
  EXPECT_EQ(passed(), seconds(2));
  EXPECT_EQ(hear(*channel), "hello");
  EXPECT_EQ(passed(), seconds(3));
  EXPECT_FALSE(channel->receive(Deadline::max(), {})) << "nothing would ever come";
  EXPECT_EQ(passed(), seconds(3));
}

TEST_F(Link, ACutLetsThroughWhatItMay) {
  options.delay = milliseconds(10);
  options.cut_in = 7;
  const auto channel = connect();
  EXPECT_EQ(ask(*channel, "hello"), "hello");
  EXPECT_EQ(ask(*channel, "hello"), "he");
  const auto lost = hear(*channel);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Errc::Network);
  EXPECT_TRUE(channel->broken());

  options.cut_in.reset();
  options.cut_out = 0;
  const auto deaf = connect();
  EXPECT_FALSE(ask(*deaf, "hello"));

  options.cut_out.reset();
  options.cut_at = milliseconds(100);
  const auto timed = connect();
  EXPECT_EQ(ask(*timed, "hello"), "hello");
  EXPECT_FALSE(hear(*timed));
  EXPECT_EQ(passed(), milliseconds(100 - 20 + 10)) << "TCP's way was part of it";
}

TEST_F(Link, ACloseIsNoLoss) {
  const auto channel = connect();
  EXPECT_EQ(ask(*channel, "bye"), "bye");
  EXPECT_EQ(hear(*channel), "");
  options.cut_in = 2;
  options.orderly = true;
  const auto cut = connect();
  EXPECT_EQ(ask(*cut, "hello"), "he");
  EXPECT_EQ(hear(*cut), "");
}

TEST_F(Link, TlsCostsARoundTripAndOctets) {
  options.delay = milliseconds(50);
  const auto channel = connect();
  EXPECT_EQ(channel->tls(), nullptr);
  ASSERT_TRUE(channel->start_tls(0, Deadline::max(), {}));
  EXPECT_EQ(passed(), milliseconds(100));
  ASSERT_NE(channel->tls(), nullptr);
  EXPECT_EQ(channel->tls()->tls_exporter, "of this connection");
  EXPECT_EQ(ask(*channel, "hello"), "hello");
  EXPECT_EQ(channel->cost().round_trips, 2U);
  EXPECT_EQ(channel->cost().bytes_out, 600U + 22 + 5);
  EXPECT_EQ(channel->cost().bytes_in, 2800U + 22 + 5);

  const auto injected = connect();
  const auto refused = injected->start_tls(1, Deadline::max(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Protocol);
  options.encrypted = true;
  options.cut_in = 100;
  EXPECT_FALSE(world.connect(options, [](auto) { return std::make_unique<Echo>(); })) << "cut in the handshake";
}

TEST_F(Link, AWokenWaitLosesNothing) {
  const auto channel = connect(seconds(3));
  world.at(world.now() + seconds(1), [&] { channel->wake(); });
  EXPECT_FALSE(ask(*channel, "hello"));
  EXPECT_EQ(passed(), seconds(1));
  EXPECT_EQ(hear(*channel), "hello");
}

class Devices : public Link {
 protected:
  std::unique_ptr<net::Channel> device() {
    auto channel = world.connect(options, [this](Steady::time_point now) {
      ImapOptions serving;
      serving.find_password = [](std::string_view) { return std::optional(Secret("pencil")); };
      serving.open_mail = [this](std::string_view) -> Result<std::shared_ptr<Mail>> { return mail; };
      serving.plain_allowed = true;
      serving.salt_secret = Secret("salt");
      serving.clock = &world;
      return std::make_unique<ImapSession>(std::move(serving), now);
    });
    EXPECT_TRUE(hear(**channel));
    const auto login = until(**channel, "a LOGIN joe pencil\r\n", "a ");
    EXPECT_NE(login.find("a OK"), std::string::npos) << login;
    until(**channel, "b SELECT INBOX\r\n", "b OK");
    return std::move(*channel);
  }
  std::string until(net::Channel& channel, std::string_view command, std::string_view end) {
    channel.send(command);
    std::string all;
    while (all.find(end) == std::string::npos) {
      const auto came = hear(channel);
      EXPECT_TRUE(came);
      if (!came || came->empty()) break;
      all += *came;
    }
    return all;
  }
  std::shared_ptr<MemoryMail> mail = std::make_shared<MemoryMail>();
  FolderId inbox = mail->make_folder({"INBOX"}, sync::Role::Inbox);
};

TEST_F(Devices, AChangeByOneIsToldToAnotherThatIdles) {
  options.delay = milliseconds(50);
  const auto writer = device(), idler = device();
  until(*idler, "c IDLE\r\n", "+ ");
  const auto change = world.now() + seconds(10);
  world.at(change, [&] {
    writer->send("d APPEND INBOX {6+}\r\nA: 1\r\n\r\n");
    EXPECT_TRUE(writer->flush(Deadline::max(), {}));
  });
  const auto told = hear(*idler);
  ASSERT_TRUE(told);
  EXPECT_NE(told->find("* 1 EXISTS"), std::string::npos) << *told;
  EXPECT_EQ(world.now(), change + milliseconds(100));
}

TEST_F(Devices, CompressionShrinksBothWays) {
  const auto channel = device();
  until(*channel, "c COMPRESS DEFLATE\r\n", "c OK");
  ASSERT_TRUE(channel->start_deflate(""));
  const auto before = channel->cost();
  const std::string many(5000, 'x');
  const auto answer = until(*channel, "d NOOP\r\ne SEARCH SUBJECT " + many + "\r\n", "e OK");
  EXPECT_NE(answer.find("* SEARCH"), std::string::npos) << answer;
  EXPECT_LT(channel->cost().bytes_out - before.bytes_out, 200U);
  EXPECT_GT(channel->cost().bytes_in, before.bytes_in);
  EXPECT_NE(channel->cost().bytes_in - before.bytes_in, answer.size());
}

}  // namespace
}  // namespace libsync::server

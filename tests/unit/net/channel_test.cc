#include <csignal>
#include <thread>

#include "tests/unit/net/net_fixture.h"

namespace twinbox::test {
namespace {

// The same behaviour is asked of a plain and of an encrypted connection.
class ChannelOver : public NetTest, public testing::WithParamInterface<Security> {
 protected:
  void serve(LoopbackServer::Handler handler) {
    const auto certificate = authority_.issue_local();
    const bool tls = GetParam() == Security::ImplicitTls;
    server_ = std::make_unique<LoopbackServer>([=](Peer& peer) {
      if (!tls || peer.start_tls({.certificate = certificate})) handler(peer);
    });
    auto made = connect_to(server_->port(), GetParam());
    ASSERT_TRUE(made) << made.error().text();
    channel_ = std::move(*made);
  }
  std::unique_ptr<LoopbackServer> server_;
  std::unique_ptr<Channel> channel_;
};
INSTANTIATE_TEST_SUITE_P(Net, ChannelOver, testing::Values(Security::Plain, Security::ImplicitTls),
                         [](const auto& one) { return one.param == Security::Plain ? "Plain" : "Tls"; });

// Far more than all buffers on the way hold together.
constexpr size_t kFlood = 16 << 20;

TEST_P(ChannelOver, AServerThatWritesBeforeItReadsCannotDeadlockAPipeline) {
  serve([](Peer& peer) {
    peer.write(std::string(kFlood, 's'));
    const auto all = peer.read_exactly(kFlood);
    peer.write(all.size() == kFlood ? "done" : "short");
  });
  channel_->send(std::string(kFlood, 'c'));
  EXPECT_EQ(read_up_to(*channel_, kFlood + 4), std::string(kFlood, 's') + "done");
}

TEST_P(ChannelOver, ReceiveEndsAtItsDeadlineAndTheConnectionLives) {
  serve([](Peer& peer) {
    peer.read_line();
    peer.write("now");
    peer.wait_for_close();
  });
  const auto start = Steady::now();
  const auto late = channel_->receive(soon(100ms), {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::Network);
  EXPECT_TRUE(late.error().retry);
  EXPECT_EQ(late.error().what, "127.0.0.1 did not answer in time");
  EXPECT_LT(Steady::now() - start, 1s);
  EXPECT_FALSE(channel_->broken());
  channel_->send("go\n");
  EXPECT_EQ(*channel_->receive(soon(), {}), "now");
}

TEST_P(ChannelOver, CancelEndsAReceiveSoonAndTheConnectionLives) {
  serve([](Peer& peer) {
    peer.read_line();
    peer.write("now");
    peer.wait_for_close();
  });
  std::jthread canceller([this] {
    std::this_thread::sleep_for(50ms);
    stop_.request_stop();
  });
  const auto start = Steady::now();
  EXPECT_EQ(channel_->receive(soon(), stop_.get_token()).error().code, Errc::Cancelled);
  EXPECT_LT(Steady::now() - start, 500ms);
  EXPECT_EQ(channel_->receive(soon(), stop_.get_token()).error().code, Errc::Cancelled);
  channel_->send("go\n");
  EXPECT_EQ(*channel_->receive(soon(), {}), "now");
}

TEST_P(ChannelOver, FlushEndsAtItsDeadlineAndGoesOnWhereItStopped) {
  std::stop_source go;
  serve([&go](Peer& peer) {
    while (!go.stop_requested()) std::this_thread::sleep_for(5ms);
    peer.write(peer.read_exactly(kFlood) == std::string(kFlood, 'c') ? "whole" : "damaged");
  });
  channel_->send(std::string(kFlood, 'c'));
  EXPECT_EQ(channel_->flush(soon(100ms), {}).error().code, Errc::Network);
  EXPECT_FALSE(channel_->broken());
  go.request_stop();
  ASSERT_TRUE(channel_->flush(soon(), {}));
  EXPECT_EQ(*channel_->receive(soon(), {}), "whole");
}

TEST_P(ChannelOver, WhatTheServerSaidLastIsReadBeforeTheBrokenWriteIsTold) {
  serve([](Peer& peer) {
    peer.write("* BYE too many connections\r\n");
    peer.close();
  });
  std::this_thread::sleep_for(50ms);
  channel_->send(std::string(1 << 20, 'c'));
  EXPECT_EQ(*channel_->receive(soon(), {}), "* BYE too many connections\r\n");
}

TEST_P(ChannelOver, AResetIsAnErrorAndNeverASignal) {
  std::signal(SIGPIPE, SIG_DFL);
  serve([](Peer& peer) {
    peer.read(1);
    peer.reset();
  });
  channel_->send("x");
  ASSERT_TRUE(channel_->flush(soon(), {}));
  const auto end = channel_->receive(soon(), {});
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::Network);
  EXPECT_TRUE(channel_->broken());
  channel_->send(std::string(1 << 20, 'y'));
  EXPECT_FALSE(channel_->flush(soon(), {}));
}

TEST_P(ChannelOver, WritingToAPeerThatIsGoneIsNeverASignal) {
  std::signal(SIGPIPE, SIG_DFL);
  serve([](Peer& peer) {
    peer.read(1);
    peer.reset();
  });
  libsync::Status status;
  for (int i = 0; i < 100 && status; ++i) {
    channel_->send(std::string(65536, 'y'));
    status = channel_->flush(soon(), {});
    std::this_thread::sleep_for(1ms);
  }
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::Network);
}

TEST_P(ChannelOver, CountsBytesOnTheWireAndRoundTrips) {
  serve([](Peer& peer) {
    for (int i = 0; i < 3; ++i) peer.write("+" + peer.read_line());
    peer.read_line();
    peer.read_line();
    peer.write("both\n");
    peer.wait_for_close();
  });
  const auto before = channel_->cost();
  for (int i = 0; i < 3; ++i) {
    channel_->send("line\n");
    EXPECT_EQ(read_up_to(*channel_, 6), "+line\n");
  }
  channel_->send("one\n");
  channel_->send("two\n");
  EXPECT_EQ(read_up_to(*channel_, 5), "both\n");
  const auto after = channel_->cost();
  EXPECT_EQ(after.round_trips - before.round_trips, 4U);
  const auto in = after.bytes_in - before.bytes_in, out = after.bytes_out - before.bytes_out;
  if (GetParam() == Security::Plain) {
    EXPECT_EQ(in, 23U);
    EXPECT_EQ(out, 23U);
  } else {
    EXPECT_GT(before.bytes_in, 500U);  // the handshake
    EXPECT_GT(in, 23U + 4 * 17);
    EXPECT_GT(out, 23U + 4 * 17);
  }
}

TEST_P(ChannelOver, NinetyMegabytesComeFast) {
  constexpr size_t kSize = 91'000'000;
  serve([](Peer& peer) {
    const std::string block(1 << 20, 'm');
    peer.read_line();
    for (size_t left = kSize; left > 0;) {
      const size_t now = std::min(left, block.size());
      if (!peer.write(std::string_view(block).substr(0, now))) return;
      left -= now;
    }
  });
  channel_->send("go\n");
  size_t total = 0;
  const auto start = Steady::now();
  while (total < kSize) {
    const auto got = channel_->receive(soon(20s), {});
    ASSERT_TRUE(got);
    ASSERT_FALSE(got->empty());
    total += got->size();
  }
  const std::chrono::duration<double> took = Steady::now() - start;
  RecordProperty("seconds", std::to_string(took.count()));
  EXPECT_EQ(total, kSize);
  EXPECT_LT(took, 15s);  // a guard against something quadratic, not a measurement: machines are shared
}

}  // namespace
}  // namespace twinbox::test

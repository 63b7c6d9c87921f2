#include "libsync/net/host_limit.h"

#include <atomic>
#include <thread>
#include <vector>

#include "tests/unit/net/net_fixture.h"

namespace twinbox::test {
namespace {

using libsync::net::HostLimit;

TEST(Limit, ManyThreadsNeverHoldMoreThanThePlacesOfAHost) {
  HostLimit limit(3);
  std::atomic<int> now{0}, most{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 12; ++i)
      threads.emplace_back([&] {
        for (int k = 0; k < 20; ++k) {
          const auto ticket = limit.acquire("Mail.Example", soon(), {});
          ASSERT_TRUE(ticket);
          const int mine = ++now;
          for (int seen = most; seen < mine && !most.compare_exchange_weak(seen, mine);) {
          }
          std::this_thread::yield();
          --now;
        }
      });
  }
  EXPECT_LE(most, 3);
  EXPECT_EQ(limit.in_use("mail.example"), 0U);
}

TEST(Limit, WaitingEndsAtTheDeadlineByCancelOrWhenATicketGoes) {
  HostLimit limit(1);
  auto held = limit.acquire("a", soon(), {});
  ASSERT_TRUE(held);
  EXPECT_TRUE(limit.acquire("b", soon(0ms), {}));  // another host
  const auto late = limit.acquire("A", soon(20ms), {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::Network);
  EXPECT_TRUE(late.error().retry);
  std::stop_source stop;
  {
    std::jthread canceller([&] { stop.request_stop(); });
    EXPECT_EQ(limit.acquire("a", soon(), stop.get_token()).error().code, Errc::Cancelled);
  }
  auto moved = std::move(*held);
  EXPECT_EQ(limit.in_use("a"), 1U);
  moved.release();
  moved.release();  // once is enough
  EXPECT_EQ(limit.in_use("a"), 0U);
  EXPECT_TRUE(limit.acquire("a", soon(0ms), {}));
}

}  // namespace
}  // namespace twinbox::test

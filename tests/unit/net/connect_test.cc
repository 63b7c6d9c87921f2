#include <atomic>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/net/net_fixture.h"

namespace twinbox::test {
namespace {

using libsync::net::Address;
using libsync::net::Family;

class Connect : public NetTest {
 protected:
  void resolve_to(std::vector<Address> addresses) {
    options_.resolver = [addresses](auto&&...) { return addresses; };
  }
};

TEST_F(Connect, NotesTheAddressesAndTheConnection) {
  ScriptedServer server({say("+OK\r\n")});
  resolve_to({{"127.0.0.1", false}});
  auto channel = connect_to(server.port(), Security::Plain, "mail.example.org");
  ASSERT_TRUE(channel) << channel.error().text();
  EXPECT_EQ(*(*channel)->receive(soon(), {}), "+OK\r\n");
  EXPECT_EQ((*channel)->tls(), nullptr);
  EXPECT_EQ((*channel)->host(), "mail.example.org");
  EXPECT_NE(trace_.lines.find("looking up mail.example.org\nresolved mail.example.org to 127.0.0.1\n"
                              "connecting to 127.0.0.1:"),
            std::string::npos)
      << trace_.lines;
  EXPECT_NE(trace_.lines.find("connected to 127.0.0.1:"), std::string::npos);
}

TEST_F(Connect, RefusedPortIsOneClearLine) {
  const auto port = unused_port();
  const auto channel = connect_to(port, Security::Plain);
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code, Errc::Network);
  const std::string place = "127.0.0.1:" + std::to_string(port);
  EXPECT_EQ(channel.error().what, place + " refused the connection");
  EXPECT_EQ(trace_.lines, "connecting to " + place + "\n" + place + ": Connection refused\nfailed: " + place +
                              " refused the connection\n");
  EXPECT_TRUE(channel.error().retry);
}

TEST_F(Connect, TheTraceOfAFailedLookupSaysSo) {
  options_.resolver = [](auto&&...) { return libsync::fail(Errc::Network, "unknown host h.invalid"); };
  EXPECT_FALSE(connect_to(1, Security::Plain, "h.invalid"));
  EXPECT_EQ(trace_.lines, "looking up h.invalid\nfailed: unknown host h.invalid\n");
}

TEST_F(Connect, RefusedOnOneFamilyWorksOnTheOther) {
  ScriptedServer server({say("hello")});
  resolve_to({{"::1", true}, {"127.0.0.1", false}});
  auto channel = connect_to(server.port(), Security::Plain, "both.example");
  ASSERT_TRUE(channel) << channel.error().text();
  EXPECT_NE(trace_.lines.find("connecting to [::1]:"), std::string::npos) << "what did not answer is named too";
  EXPECT_EQ(*(*channel)->receive(soon(), {}), "hello");
}

// A listener with a full backlog drops SYNs, as a silent firewall does.
class SilentPort {
 public:
  explicit SilentPort(uint16_t port = 0) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    inet_pton(AF_INET, "127.0.0.2", &address.sin_addr);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    fds_.push_back(socket(AF_INET, SOCK_STREAM, 0));
    if (bind(fds_[0], raw, sizeof address) != 0 || listen(fds_[0], 0) != 0) return;
    socklen_t size = sizeof address;
    getsockname(fds_[0], raw, &size);
    port_ = ntohs(address.sin_port);
    for (int i = 0; i < 4; ++i) {
      fds_.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      ::connect(fds_.back(), raw, sizeof address);
    }
  }
  ~SilentPort() {
    for (const int fd : fds_) ::close(fd);
  }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;
  uint16_t port() const { return port_; }

 private:
  std::vector<int> fds_;
  uint16_t port_ = 0;
};

TEST_F(Connect, AnAddressThatSwallowsPacketsDelaysOnlyByTheHeadStart) {
  ScriptedServer server({say("hello")});
  const SilentPort silent(server.port());
  ASSERT_EQ(silent.port(), server.port());
  resolve_to({{"127.0.0.2", false}, {"127.0.0.1", false}});
  const auto start = Steady::now();
  auto channel = connect_to(server.port(), Security::Plain, "slow.example");
  ASSERT_TRUE(channel) << channel.error().text();
  EXPECT_GE(Steady::now() - start, libsync::net::kAttemptDelay - 50ms);
  EXPECT_LT(Steady::now() - start, 2s);
}

TEST_F(Connect, FamilyPreferenceLeavesTheOtherOut) {
  ScriptedServer server({say("hello")});
  resolve_to({{"::1", true}});
  options_.family = Family::V4;
  const auto channel = connect_to(server.port(), Security::Plain, "six.example");
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code, Errc::Network);
}

TEST_F(Connect, HostsThatCannotBeAreRefusedBeforeAnyLookup) {
  options_.resolver = [](auto&&...) -> libsync::Result<std::vector<Address>> {
    ADD_FAILURE() << "looked up";
    return libsync::fail(Errc::Internal, "");
  };
  for (const std::string host : {"", "a b", "mail\r\nx",
                                 "b\xc3\xbc"
                                 "cher.example"}) {
    const auto channel = connect_to(993, Security::ImplicitTls, host);
    ASSERT_FALSE(channel);
    EXPECT_EQ(channel.error().code, Errc::Usage);
  }
  EXPECT_EQ(connect_to(993, Security::Plain, std::string("a\0b", 3)).error().code, Errc::Usage);
  EXPECT_EQ(connect_to(993, Security::Plain, std::string(300, 'a')).error().code, Errc::Usage);
  EXPECT_EQ(connect_to(0, Security::Plain, "a.example").error().code, Errc::Usage);
}

TEST_F(Connect, UnknownHostKeepsTheResolversError) {
  options_.resolver = [](auto&&...) -> libsync::Result<std::vector<Address>> {
    return libsync::fail(Errc::Network, "unknown host nowhere.invalid");
  };
  EXPECT_EQ(connect_to(993, Security::Plain, "nowhere.invalid").error().what, "unknown host nowhere.invalid");
}

TEST_F(Connect, DeadlineAndTheTimeForOneAddressEndTheConnect) {
  const SilentPort silent;
  ASSERT_NE(silent.port(), 0);
  resolve_to({{"127.0.0.2", false}});
  for (const bool overall : {true, false}) {
    (overall ? options_.overall_timeout : options_.connect_timeout) = 200ms;
    const auto start = Steady::now();
    const auto channel = connect_to(silent.port(), Security::Plain, "void.example");
    ASSERT_FALSE(channel);
    EXPECT_EQ(channel.error().what, "void.example:" + std::to_string(silent.port()) + " did not answer in time");
    EXPECT_LT(Steady::now() - start, 2s);
    options_.overall_timeout = 5s;
  }
}

TEST_F(Connect, CancelEndsTheConnectSoon) {
  const SilentPort silent;
  resolve_to({{"127.0.0.2", false}});
  std::jthread canceller([this] {
    std::this_thread::sleep_for(50ms);
    stop_.request_stop();
  });
  const auto start = Steady::now();
  EXPECT_EQ(connect_to(silent.port(), Security::Plain, "void.example").error().code, Errc::Cancelled);
  EXPECT_LT(Steady::now() - start, 1s);
}

TEST_F(Connect, DeadlineEndsTheHandshakeWithAServerThatHangs) {
  ScriptedServer server({hang()});
  options_.overall_timeout = 200ms;
  const auto channel = connect_to(server.port(), Security::ImplicitTls);
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code, Errc::Network);
  EXPECT_NE(channel.error().what.find("did not finish the TLS handshake in time"), std::string::npos);
}

TEST_F(Connect, CancelEndsTheHandshakeSoon) {
  ScriptedServer server({hang()});
  std::jthread canceller([this] {
    std::this_thread::sleep_for(50ms);
    stop_.request_stop();
  });
  const auto start = Steady::now();
  const auto channel = connect_to(server.port(), Security::ImplicitTls);
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().code, Errc::Cancelled);
  EXPECT_LT(Steady::now() - start, 1s);
  stop_.request_stop();  // twice is once
}

TEST(Resolve, ALookupThatHangsEndsAtTheDeadlineAndByCancel) {
  // Shared with the thread that is left behind.
  auto hold = std::make_shared<std::stop_source>();
  const auto lookup = [hold](const std::string&, Family) -> libsync::Result<std::vector<Address>> {
    while (!hold->stop_requested()) std::this_thread::sleep_for(5ms);
    return std::vector<Address>{{"127.0.0.1", false}};
  };
  const auto late = libsync::net::resolve_with(lookup, "h", Family::Any, soon(50ms), {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::Network);
  EXPECT_TRUE(late.error().retry);
  std::stop_source stop;
  std::jthread canceller([&] {
    std::this_thread::sleep_for(50ms);
    stop.request_stop();
  });
  const auto cancelled = libsync::net::resolve_with(lookup, "h", Family::Any, soon(), stop.get_token());
  EXPECT_EQ(cancelled.error().code, Errc::Cancelled);
  hold->request_stop();
}

TEST(Resolve, LookupsLeftBehindAreBounded) {
  auto hold = std::make_shared<std::stop_source>();
  auto finished = std::make_shared<std::atomic<int>>(0);
  const auto lookup = [hold, finished](const std::string&, Family) -> libsync::Result<std::vector<Address>> {
    while (!hold->stop_requested()) std::this_thread::sleep_for(5ms);
    ++*finished;
    return std::vector<Address>{{"127.0.0.1", false}};
  };
  std::string last;
  for (int i = 0; i <= libsync::net::kMaxLookups; ++i)
    last = libsync::net::resolve_with(lookup, "h", Family::Any, soon(0ms), {}).error().what;
  EXPECT_EQ(last, "cannot look up h: too many lookups hang already");
  hold->request_stop();
  const auto until = soon();
  while (*finished < libsync::net::kMaxLookups - 1 && Steady::now() < until) std::this_thread::sleep_for(5ms);
}

TEST(Resolve, LocalNamesAndAddressesInText) {
  const auto local = libsync::net::system_resolve("localhost", Family::Any, soon(), {});
  ASSERT_TRUE(local) << local.error().text();
  EXPECT_FALSE(local->empty());
  EXPECT_EQ(*libsync::net::system_resolve("192.0.2.7", Family::Any, soon(), {}),
            (std::vector<Address>{{"192.0.2.7", false}}));
  EXPECT_TRUE(libsync::net::is_ip_address("fe80::1%lo"));
  EXPECT_FALSE(libsync::net::is_ip_address("127.0.0.1.example"));
}

TEST(Resolve, FamiliesAlternateBeginningWithTheFirst) {
  const auto mixed = libsync::net::interleave({{"a", true}, {"b", true}, {"c", true}, {"d", false}});
  std::string order;
  for (const auto& one : mixed) order += one.ip;
  EXPECT_EQ(order, "adbc");
}

}  // namespace
}  // namespace twinbox::test

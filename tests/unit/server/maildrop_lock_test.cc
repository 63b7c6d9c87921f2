#include "libsync/server/maildrop_lock.h"

#include <gtest/gtest.h>

namespace libsync::server {
namespace {

using namespace std::chrono_literals;

class Hand final : public Clock {
 public:
  Steady::time_point now() const override { return at; }
  int64_t unix_seconds() const override { return 0; }
  Steady::time_point at{};
};

class Empty final : public Maildrop {
 public:
  std::span<const Entry> entries() const override { return {}; }
  Result<std::string> read(size_t, uint64_t, size_t) override { return std::string(); }
  Status remove(std::span<const size_t>) override { return {}; }
};

Result<std::unique_ptr<Maildrop>> empty(std::string_view) { return std::make_unique<Empty>(); }
Result<std::unique_ptr<Maildrop>> broken(std::string_view) { return fail(Errc::Corrupt, "damaged"); }

TEST(MaildropLock, LetsOneSessionOfAUserIn) {
  Hand clock;
  MaildropLock lock(clock, 0s);
  auto joe = lock.open("joe", empty);
  ASSERT_TRUE(joe);
  EXPECT_EQ(lock.open("joe", empty).error().code, Errc::Busy);
  EXPECT_TRUE(lock.open("ann", empty)) << "another user";
  joe->reset();
  EXPECT_TRUE(lock.open("joe", empty));
}

TEST(MaildropLock, KeepsTheDelayBetweenLogins) {
  Hand clock;
  MaildropLock lock(clock, 60s);
  ASSERT_TRUE(lock.open("joe", empty));
  clock.at += 58500ms;
  const auto soon = lock.open("joe", empty);
  ASSERT_FALSE(soon);
  EXPECT_EQ(soon.error().code, Errc::Refused);
  EXPECT_EQ(soon.error().retry_after, 2s);
  EXPECT_EQ(soon.error().what, "wait 2.0 s before the next login");
  clock.at += 1500ms;
  EXPECT_TRUE(lock.open("joe", empty));
}

TEST(MaildropLock, AMaildropThatCannotBeOpenedIsNeitherLockedNorDelayed) {
  Hand clock;
  MaildropLock lock(clock, 60s);
  EXPECT_EQ(lock.open("joe", broken).error().code, Errc::Corrupt);
  EXPECT_TRUE(lock.open("joe", empty));
}

}  // namespace
}  // namespace libsync::server

#include "libsync/account/secrets.h"

#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "libsync/account/process.h"

#include "tests/support/temp_dir.h"

namespace libsync::account {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class FakePrompt final : public Prompt {
 public:
  bool available() const override { return there; }
  Result<Secret> ask(std::string_view question, std::stop_token) override {
    asked = std::string(question);
    return Secret("typed");
  }
  bool there = true;
  std::string asked;
};

Account account_a() {
  Account a;
  a.name = "a";
  a.remote = {.user = "me", .host = "mail.example.org", .port = 993};
  return a;
}

std::string secret_or_error(const Account& a, bool terminal = false) {
  FakePrompt prompt;
  prompt.there = terminal;
  const auto secret = resolve_secret(a, prompt, {});
  if (secret) return secret->reveal();
  EXPECT_EQ(secret.error().code, Errc::Auth);
  return "error: " + secret.error().what;
}

TEST(Secrets, ACommandsFirstLineIsThePassword) {
  Account a = account_a();
  a.password_command = "printf ' pass word \\nuser: x\\n'";
  EXPECT_EQ(secret_or_error(a), " pass word ") << "spaces belong to a password";
  a.password_command = "printf 'x\\r\\n'";
  EXPECT_EQ(secret_or_error(a), "x");
}

TEST(Secrets, AFailedCommandIsNamedWithItsStatusAndLastWords) {
  Account a = account_a();
  a.password_command = "echo one >&2; echo 'two\x1B[2J' >&2; exit 3";
  EXPECT_EQ(secret_or_error(a), "error: password_command ended with status 3: two [2J");
  a.password_command = "true";
  EXPECT_EQ(secret_or_error(a), "error: password_command gave no password");
  a.password_command = "echo hunter2; exit 1";
  EXPECT_THAT(secret_or_error(a), testing::Not(HasSubstr("hunter2")));
}

TEST(Secrets, ATokenComesBeforeAPassword) {
  Account a = account_a();
  a.token_command = "echo token";
  EXPECT_EQ(secret_or_error(a), "token");
}

TEST(Secrets, APasswordFileMustBePrivate) {
  const twinbox::test::TempDir folder;
  Account a = account_a();
  a.password_file = folder / "pw";
  std::ofstream(a.password_file) << "secret\nrest\n";
  ::chmod(a.password_file.c_str(), 0640);
  EXPECT_THAT(secret_or_error(a), HasSubstr("can be read by others"));
  ::chmod(a.password_file.c_str(), 0600);
  EXPECT_EQ(secret_or_error(a), "secret");
  a.password_file = folder / "none";
  EXPECT_THAT(secret_or_error(a), HasSubstr("No such file"));
  a.password_file = folder.path().string();
  EXPECT_THAT(secret_or_error(a), HasSubstr("is not a file"));
}

TEST(Secrets, WithoutAnyTheTerminalIsAsked) {
  EXPECT_EQ(secret_or_error(account_a(), true), "typed");
  EXPECT_THAT(secret_or_error(account_a(), false), HasSubstr("no terminal to ask on"));
  FakePrompt prompt;
  ASSERT_TRUE(resolve_secret(account_a(), prompt, {}));
  EXPECT_EQ(prompt.asked, "Password of a (me at mail.example.org):");
}

// A zombie that nobody has waited for runs no more.
bool runs(int pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  return !text.empty() && !text.contains(") Z");
}

TEST(Process, PassesInputAndKeepsBothStreams) {
  const auto outcome =
      run_process({"/bin/sh", "-c", "cat; echo err >&2; exit 7"}, {.input = "in", .feed_input = true}, {});
  ASSERT_TRUE(outcome) << outcome.error().what;
  EXPECT_EQ(outcome->out, "in");
  EXPECT_EQ(outcome->err, "err\n");
  EXPECT_EQ(outcome->status, 7);
}

TEST(Process, LargeOutputIsDroppedBeyondTheLimit) {
  const auto outcome =
      run_process({"/bin/sh", "-c", "head -c 300000 /dev/zero"}, {.feed_input = true, .max_output = 1000}, {});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->out.size(), 1000U);
  EXPECT_EQ(outcome->status, 0);
}

TEST(Process, AHangingProgramIsEndedWithItsChildren) {
  const auto outcome =
      run_process({"/bin/sh", "-c", "sleep 100 & echo $!; wait"}, {.timeout = 1s, .feed_input = true}, {});
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->timed_out);
  std::this_thread::sleep_for(50ms);
  EXPECT_FALSE(runs(std::atoi(outcome->out.c_str())));
}

TEST(Process, AStopEndsIt) {
  std::stop_source stop;
  stop.request_stop();
  const auto outcome = run_process({"sleep", "100"}, {.feed_input = true}, stop.get_token());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::Cancelled);
}

TEST(Process, AMissingProgramIsNamed) {
  const auto outcome = run_process({"/no/such/program"}, {}, {});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::NotFound);
}

TEST(Process, ADaemonThatKeepsThePipesOpenDoesNotHoldItUp) {
  const auto outcome = run_process({"/bin/sh", "-c", "sleep 5 & echo done"}, {.feed_input = true}, {});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->out, "done\n");
  EXPECT_FALSE(outcome->timed_out);
}

}  // namespace
}  // namespace libsync::account

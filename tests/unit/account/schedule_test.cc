#include "libsync/account/schedule.h"

#include <map>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace libsync::account {
namespace {

using std::chrono::minutes;
using testing::HasSubstr;

TEST(Interval, TakesTheFormsPeopleWrite) {
  for (const auto& [text, count] : std::map<std::string, int>{{"15min", 15},
                                                              {"15m", 15},
                                                              {"90", 90},
                                                              {"1h", 60},
                                                              {"2 hours", 120},
                                                              {"hourly", 60},
                                                              {"daily", 1440},
                                                              {"1d", 1440},
                                                              {"Weekly", 10080}}) {
    const auto interval = parse_interval(text);
    ASSERT_TRUE(interval) << text;
    EXPECT_EQ(interval->count(), count) << text;
  }
  for (const char* bad : {"", "x", "0", "-5min", "2w", "8d", "1.5h", "15 parsecs", "99999999999999999999", "min"}) {
    EXPECT_FALSE(parse_interval(bad)) << bad;
  }
}

const Schedule kSchedule{.program = "/opt/a b/twin%box", .config = "/home/me/$x.toml", .accounts = {"work", "uni"}};

TEST(ScheduleText, QuotesWhatSystemdWouldExpand) {
  EXPECT_THAT(service_unit(kSchedule),
              HasSubstr("ExecStart=\"/opt/a b/twin%%box\" --config \"/home/me/$$x.toml\" sync --quiet work uni\n"));
  EXPECT_THAT(timer_unit(kSchedule), HasSubstr("OnUnitActiveSec=15min\n"));
  EXPECT_THAT(timer_unit({.interval = minutes(1440)}), HasSubstr("OnCalendar=daily\nPersistent=true\n"));
}

TEST(ScheduleText, QuotesWhatCronAndTheShellWouldExpand) {
  EXPECT_EQ(cron_line({.program = "/opt/it's 5%/twinbox"}), "*/15 * * * * '/opt/it'\\''s 5'\\%'/twinbox' sync --quiet");
  EXPECT_EQ(cron_line({.program = "/t", .interval = minutes(60)}), "7 * * * * '/t' sync --quiet");
  EXPECT_EQ(cron_line({.program = "/t", .interval = minutes(120)}), "7 */2 * * * '/t' sync --quiet");
  EXPECT_EQ(cron_line({.program = "/t", .interval = minutes(1440)}), "7 4 * * * '/t' sync --quiet");
}

TEST(ScheduleText, CronTakesTheNearestShorterInterval) {
  EXPECT_EQ(cron_interval(minutes(45)).count(), 30);
  EXPECT_EQ(cron_interval(minutes(1)).count(), 1);
  EXPECT_EQ(cron_interval(minutes(7)).count(), 6);
  EXPECT_EQ(cron_interval(minutes(90)).count(), 60);
  EXPECT_EQ(cron_interval(minutes(300)).count(), 240);
  EXPECT_EQ(cron_interval(minutes(2880)).count(), 1440);
}

// A machine with or without systemd and cron, that notes what was run.
struct Machine {
  bool systemd = true, cron = true, linger = false;
  std::string crontab, log;

  Result<ProcessOutcome> run(const std::vector<std::string>& argv, std::string_view input) {
    const std::string line = fmt::format("{}", fmt::join(argv, " "));
    log += line + "\n";
    ProcessOutcome ok;
    if (argv[0] == "crontab") {
      if (!cron) return fail(Errc::NotFound, "crontab: not there");
      if (argv[1] == "-") crontab = std::string(input);
      ok.out = crontab;
      if (argv[1] == "-l" && crontab.empty())
        return ProcessOutcome{.status = 1, .timed_out = false, .out = {}, .err = "no crontab for me"};
      return ok;
    }
    if (argv[0] == "loginctl") ok.out = linger ? "yes\n" : "no\n";
    if (argv[0] == "systemctl" && !systemd) ok.status = 1;
    if (line.find("list-timers") != line.npos) ok.out = R"([{"next":1790000000000000,"left":1}])";
    return ok;
  }
};

struct Fixture {
  twinbox::test::TempDir folder;
  RealFileSystem fs;
  Machine machine;
  Scheduler scheduler{fs, Places{.home = "/h", .config_home = folder.path().string(), .data_home = "/d"}, "me",
                      [this](const auto& argv, std::string_view input) { return machine.run(argv, input); },
                      1'790'000'000};
};

TEST(Scheduler, EnablesATimerAndSaysThatItStopsAtLogout) {
  Fixture f;
  const auto status = f.scheduler.enable({.program = "/t", .accounts = {"work"}, .interval = minutes(30)});
  ASSERT_TRUE(status) << status.error().what;
  EXPECT_EQ(status->kind, ScheduleKind::Systemd);
  EXPECT_EQ(status->interval.count(), 30);
  EXPECT_EQ(status->next, 1'790'000'000);
  EXPECT_TRUE(status->stops_at_logout);
  EXPECT_EQ(status->accounts, std::vector<std::string>{"work"});
  EXPECT_TRUE(f.fs.exists(f.folder / "systemd/user/twinbox.timer"));
  EXPECT_THAT(f.machine.log,
              HasSubstr("systemctl --user enable twinbox.timer\nsystemctl --user restart twinbox.timer\n"));
  f.machine.linger = true;
  EXPECT_FALSE(f.scheduler.status()->stops_at_logout);
}

TEST(Scheduler, DisablingTakesEverythingAway) {
  Fixture f;
  ASSERT_TRUE(f.scheduler.enable({.program = "/t"}));
  EXPECT_TRUE(*f.scheduler.disable());
  EXPECT_FALSE(f.fs.exists(f.folder / "systemd/user/twinbox.timer"));
  EXPECT_FALSE(f.fs.exists(f.folder / "systemd/user/twinbox.service"));
  EXPECT_FALSE(*f.scheduler.disable());
  EXPECT_EQ(f.scheduler.status()->kind, ScheduleKind::None);
}

TEST(Scheduler, WithoutSystemdItWritesOneCrontabLineAndKeepsTheOthers) {
  Fixture f;
  f.machine.systemd = false;
  f.machine.crontab = "# mine\n5 5 * * * backup\n";
  ASSERT_TRUE(f.scheduler.enable({.program = "/t", .interval = minutes(15)}));
  const auto status = f.scheduler.enable({.program = "/t", .accounts = {"uni"}, .interval = minutes(20)});
  ASSERT_TRUE(status) << status.error().what;
  EXPECT_EQ(f.machine.crontab,
            "# mine\n5 5 * * * backup\n*/20 * * * * '/t' sync --quiet uni # twinbox schedule 20min\n");
  EXPECT_EQ(status->kind, ScheduleKind::Cron);
  EXPECT_EQ(status->interval.count(), 20);
  EXPECT_EQ(status->accounts, std::vector<std::string>{"uni"});
  ASSERT_TRUE(status->next);
  EXPECT_GT(*status->next, 1'790'000'000);
  EXPECT_LE(*status->next, 1'790'000'000 + 20 * 60);
  EXPECT_TRUE(*f.scheduler.disable());
  EXPECT_EQ(f.machine.crontab, "# mine\n5 5 * * * backup\n");
}

TEST(Scheduler, LinesThatOnlyLookLikeOursAreTheUsersOwn) {
  const std::string theirs =
      "# twinbox schedule: see the wiki\n"
      "#*/15 * * * * '/t' sync --quiet # twinbox schedule 15min\n"
      "5 5 * * * backup # not a twinbox schedule 15min\n"
      "5 5 * * * echo ' # twinbox schedule 15min'\n"
      "5 5 * * * backup # twinbox schedule 15min\n"
      "5 5 * * * '/t' sync --quiet; backup # twinbox schedule 15min\n"
      "5 5 * * * '/t' sync --quiet # twinbox schedule 15min or so\n"
      "5 5 * * * '/t' sync --quiet # twinbox schedule 15\n"
      "@daily '/t' sync --quiet # twinbox schedule 1d\n";
  Fixture f;
  f.machine.systemd = false;
  f.machine.crontab = theirs;
  EXPECT_EQ(f.scheduler.status()->kind, ScheduleKind::None);
  EXPECT_FALSE(*f.scheduler.disable());
  EXPECT_EQ(f.machine.crontab, theirs);
  ASSERT_TRUE(f.scheduler.enable({.program = "/o'n 5%", .config = "/c", .accounts = {"a", "b"}}));
  EXPECT_EQ(f.machine.crontab,
            theirs + "*/15 * * * * '/o'\\''n 5'\\%'' --config '/c' sync --quiet a b # twinbox schedule 15min\n");
  EXPECT_TRUE(*f.scheduler.disable());
  EXPECT_EQ(f.machine.crontab, theirs);
}

TEST(Scheduler, ALineOfOursWithOtherTimesIsStillOurs) {
  Fixture f;
  f.machine.systemd = false;
  f.machine.crontab = "3,33 8-18 * * 1-5 '/t' sync --quiet work # twinbox schedule 15min\n";
  const auto status = f.scheduler.status();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->kind, ScheduleKind::Cron);
  EXPECT_EQ(status->accounts, std::vector<std::string>{"work"});
  EXPECT_EQ(status->interval.count(), 0) << "not known";
  EXPECT_FALSE(status->next);
  EXPECT_TRUE(*f.scheduler.disable());
  EXPECT_EQ(f.machine.crontab, "");
}

TEST(Scheduler, AMachineWithNeitherIsToldSo) {
  Fixture f;
  f.machine.systemd = f.machine.cron = false;
  const auto status = f.scheduler.enable({.program = "/t"});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::NotFound);
  EXPECT_EQ(f.scheduler.status()->kind, ScheduleKind::None);
}

TEST(Scheduler, APathWithALineEndIsRefused) {
  Fixture f;
  EXPECT_FALSE(f.scheduler.enable({.program = "/t", .config = "/a\nb"}));
}

}  // namespace
}  // namespace libsync::account

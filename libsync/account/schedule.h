// Syncing at intervals: a systemd user timer, or a crontab line where there is no systemd user instance.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/account/places.h"
#include "libsync/account/process.h"
#include "libsync/base/file.h"
#include "libsync/base/result.h"

namespace libsync::account {

inline constexpr std::chrono::minutes kShortestInterval{1};
inline constexpr std::chrono::minutes kLongestInterval{7 * 24 * 60};

// 15min, 15m, 90, 1h, 2hours, 1d, hourly, daily, weekly; a bare number counts minutes. From a minute to a week.
Result<std::chrono::minutes> parse_interval(std::string_view text);
std::string interval_text(std::chrono::minutes interval);  // "15min", "1h", "1d"

// What runs, and how often.
struct Schedule {
  std::string program{};                // absolute path of twinbox
  std::string config{};                 // absolute path, or empty for the usual place
  std::vector<std::string> accounts{};  // empty: all
  std::chrono::minutes interval{15};
};

// The texts of twinbox.service, twinbox.timer and the crontab line. Paths and names are quoted as each format
// wants; a path with a line end is refused before (Errc::Config).
std::string service_unit(const Schedule& schedule);
std::string timer_unit(const Schedule& schedule);
// cron knows no "every 45 minutes": the interval is the nearest shorter one that divides an hour or a day.
std::string cron_line(const Schedule& schedule);
// What stands in a crontab that is otherwise the user's: the line, and the mark by which it is found again.
std::string marked_cron_line(const Schedule& schedule);
// A line of that form and no other: nothing for one that only holds the mark's words. The five fields of time may
// have been changed since: it is ours all the same, but when it runs is not known then.
struct CronEntry {
  std::string command;
  std::chrono::minutes interval{0};
  bool own_times = true;  // those that the interval gave it
};
std::optional<CronEntry> read_cron_line(std::string_view line);
std::chrono::minutes cron_interval(std::chrono::minutes interval);

enum class ScheduleKind { None, Systemd, Cron };

struct ScheduleStatus {
  ScheduleKind kind = ScheduleKind::None;
  bool possible = true;                 // false: neither systemd for users nor cron is there
  std::string what{};                   // the command line it runs
  std::chrono::minutes interval{0};     // 0: not known
  std::optional<int64_t> next{};        // next run, seconds since 1970
  bool stops_at_logout = false;         // the user's timers end with the last session
  std::vector<std::string> accounts{};  // empty: all
};

// Runs a program; `input` is what it reads. A parameter, so that tests need neither systemd nor cron.
using Runner = std::function<Result<ProcessOutcome>(const std::vector<std::string>& argv, std::string_view input)>;
Runner process_runner(std::stop_token stop);

// One schedule a user. Not thread-safe.
class Scheduler {
 public:
  // `now`: seconds since 1970, for the next run of a crontab line.
  Scheduler(FileSystem& fs, Places places, std::string user, Runner run, int64_t now)
      : fs_(fs), places_(std::move(places)), user_(std::move(user)), run_(std::move(run)), now_(now) {}

  // Replaces a schedule that is there. Returns the status it leads to. Errc::NotFound when the machine
  // has neither systemd for users nor cron.
  Result<ScheduleStatus> enable(const Schedule& schedule);
  // True if there was one.
  Result<bool> disable();
  Result<ScheduleStatus> status();

 private:
  bool has_systemd();
  bool lingers();
  std::string unit_path(std::string_view name) const;
  Status systemctl(std::vector<std::string> arguments);
  Status enable_systemd(const Schedule& schedule);
  Status enable_cron(const Schedule& schedule);
  Result<bool> disable_systemd();
  Result<bool> disable_cron();
  Result<ScheduleStatus> systemd_status();
  Result<ScheduleStatus> cron_status();
  Result<std::string> crontab();
  Status write_crontab(std::string_view text);

  FileSystem& fs_;
  Places places_;
  std::string user_;
  Runner run_;
  int64_t now_;
};

}  // namespace libsync::account

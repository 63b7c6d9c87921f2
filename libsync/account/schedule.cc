#include "libsync/account/schedule.h"

#include <algorithm>
#include <ctime>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::account {
namespace {

constexpr std::string_view kTimer = "twinbox.timer";
constexpr std::string_view kService = "twinbox.service";
constexpr uint64_t kMaxUnit = 64 * 1024;

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string value_of(std::string_view unit, std::string_view key) {
  for (const auto& line : lines_of(unit)) {
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == '=')
      return line.substr(key.size() + 1);
  }
  return {};
}

// The accounts that stand behind "sync --quiet" in a command line of ours.
std::vector<std::string> accounts_of(std::string_view command) {
  static constexpr std::string_view kSync = " sync --quiet";
  std::vector<std::string> names;
  const size_t at = command.rfind(kSync);
  if (at == command.npos) return names;
  std::string_view rest = trim(command.substr(at + kSync.size()));
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(' '), rest.size());
    names.emplace_back(rest.substr(0, end));
    rest = trim(rest.substr(end));
  }
  return names;
}

std::optional<std::chrono::minutes> interval_behind(std::string_view text, std::string_view mark) {
  const size_t at = text.find(mark);
  if (at == text.npos) return std::nullopt;
  std::string_view rest = text.substr(at + mark.size());
  rest = rest.substr(0, rest.find_first_of(" \n"));
  const auto interval = parse_interval(rest);
  if (!interval) return std::nullopt;
  return *interval;
}

std::string without_our_line(const std::string& crontab, bool& found) {
  std::string out;
  for (const auto& line : lines_of(crontab)) {
    if (read_cron_line(line)) {
      found = true;
    } else {
      out += line + "\n";
    }
  }
  return out;
}

// The next time a crontab line of ours fires, in local time.
int64_t next_cron_run(int64_t now, std::chrono::minutes interval) {
  const auto count = interval.count();
  const std::time_t start = (now / 60 + 1) * 60;
  for (std::time_t t = start; t < start + 8 * 86400; t += 60) {
    std::tm local{};
    ::localtime_r(&t, &local);
    const bool fires = count < 60 ? local.tm_min % count == 0
                       : count < 1440
                           ? local.tm_min == 7 && local.tm_hour % (count / 60) == 0
                           : local.tm_min == 7 && local.tm_hour == 4 && (count == 1440 || local.tm_wday == 1);
    if (fires) return t;
  }
  return start;
}

Status check_schedule(const Schedule& schedule) {
  const auto bad = [](const std::string& text) { return text.find_first_of("\n\r") != text.npos; };
  if (bad(schedule.program) || bad(schedule.config)) {
    return fail(Errc::Config, say("a path with a line end in it can't be scheduled"));
  }
  return {};
}

}  // namespace

Runner process_runner(std::stop_token stop) {
  return [stop](const std::vector<std::string>& argv, std::string_view input) {
    return run_process(argv, {.timeout = std::chrono::seconds(20), .input = input, .feed_input = true}, stop);
  };
}

bool Scheduler::has_systemd() {
  const auto outcome = run_({"systemctl", "--user", "show-environment"}, "");
  return outcome && outcome->status == 0 && !outcome->timed_out;
}

bool Scheduler::lingers() {
  const auto outcome = run_({"loginctl", "show-user", user_, "--property=Linger", "--value"}, "");
  return outcome && outcome->status == 0 && trim(outcome->out) == "yes";
}

std::string Scheduler::unit_path(std::string_view name) const {
  return fmt::format("{}/systemd/user/{}", places_.config_home, name);
}

Status Scheduler::systemctl(std::vector<std::string> arguments) {
  const std::string verb = arguments.front();
  arguments.insert(arguments.begin(), {"systemctl", "--user"});
  TB_ASSIGN(const ProcessOutcome outcome, run_(arguments, ""));
  if (outcome.status == 0 && !outcome.timed_out) return {};
  return fail(Error{
      .code = Errc::Refused, .what = say("systemctl --user {} failed", verb), .server = printable(trim(outcome.err))});
}

Result<ScheduleStatus> Scheduler::enable(const Schedule& schedule) {
  TB_TRY(check_schedule(schedule));
  if (has_systemd()) {
    TB_TRY(enable_systemd(schedule));
    TB_TRY(disable_cron());  // else it would run twice
  } else {
    TB_TRY(enable_cron(schedule));
  }
  return status();
}

Status Scheduler::enable_systemd(const Schedule& schedule) {
  TB_TRY(fs_.make_dirs(places_.config_home + "/systemd/user"));
  TB_TRY(write_file_atomically(fs_, unit_path(kService), service_unit(schedule)));
  TB_TRY(write_file_atomically(fs_, unit_path(kTimer), timer_unit(schedule)));
  TB_TRY(systemctl({"daemon-reload"}));
  TB_TRY(systemctl({"enable", std::string(kTimer)}));
  // restart, since a timer that runs already keeps its old times.
  return systemctl({"restart", std::string(kTimer)});
}

Result<std::string> Scheduler::crontab() {
  auto outcome = run_({"crontab", "-l"}, "");
  if (!outcome) {
    if (outcome.error().code != Errc::NotFound) return fail(std::move(outcome).error());
    return fail(Error{.code = Errc::NotFound,
                      .what = say("this machine has neither systemd for users nor cron"),
                      .hint = say("let whatever starts programs here run: twinbox sync --quiet")});
  }
  // "no crontab for …" comes with status 1 and is no failure.
  if (outcome->status != 0 && !to_lower(outcome->err).contains("no crontab")) {
    return fail(
        Error{.code = Errc::Refused, .what = say("crontab -l failed"), .server = printable(trim(outcome->err))});
  }
  return outcome->status == 0 ? outcome->out : std::string();
}

Status Scheduler::write_crontab(std::string_view text) {
  TB_ASSIGN(const ProcessOutcome outcome, run_({"crontab", "-"}, text));
  if (outcome.status == 0 && !outcome.timed_out) return {};
  return fail(
      Error{.code = Errc::Refused, .what = say("crontab refused the change"), .server = printable(trim(outcome.err))});
}

Status Scheduler::enable_cron(const Schedule& schedule) {
  TB_ASSIGN(const std::string before, crontab());
  bool found = false;
  std::string text = without_our_line(before, found);
  text += marked_cron_line(schedule) + "\n";
  return write_crontab(text);
}

Result<bool> Scheduler::disable() {
  TB_ASSIGN(const bool timer, disable_systemd());
  TB_ASSIGN(const bool cron, disable_cron());
  return timer || cron;
}

Result<bool> Scheduler::disable_systemd() {
  if (!fs_.exists(unit_path(kTimer)) && !fs_.exists(unit_path(kService))) return false;
  if (has_systemd()) TB_TRY(systemctl({"disable", "--now", std::string(kTimer)}));
  for (const auto name : {kTimer, kService}) {
    if (fs_.exists(unit_path(name))) TB_TRY(fs_.remove(unit_path(name)));
  }
  if (has_systemd()) TB_TRY(systemctl({"daemon-reload"}));
  return true;
}

Result<bool> Scheduler::disable_cron() {
  const auto before = crontab();
  if (!before) {
    if (before.error().code == Errc::NotFound) return false;
    return fail(before.error());
  }
  bool found = false;
  const std::string text = without_our_line(*before, found);
  if (found) TB_TRY(write_crontab(text));
  return found;
}

Result<ScheduleStatus> Scheduler::status() {
  if (fs_.exists(unit_path(kTimer)) && has_systemd()) return systemd_status();
  return cron_status();
}

Result<ScheduleStatus> Scheduler::systemd_status() {
  ScheduleStatus status{.kind = ScheduleKind::Systemd};
  TB_ASSIGN(const std::string timer, read_file(fs_, unit_path(kTimer), kMaxUnit));
  TB_ASSIGN(const std::string service, read_file(fs_, unit_path(kService), kMaxUnit));
  status.what = value_of(service, "ExecStart");
  status.accounts = accounts_of(status.what);
  status.interval = interval_behind(timer, "with twinbox every ").value_or(std::chrono::minutes(0));
  const auto enabled = run_({"systemctl", "--user", "is-enabled", std::string(kTimer)}, "");
  if (!enabled || enabled->status != 0) return ScheduleStatus{};
  const auto listed = run_({"systemctl", "--user", "list-timers", std::string(kTimer), "--output=json"}, "");
  if (listed && listed->status == 0) {
    static constexpr std::string_view kNext = "\"next\":";
    if (const size_t at = listed->out.find(kNext); at != listed->out.npos) {
      const std::string_view rest = std::string_view(listed->out).substr(at + kNext.size());
      const auto micros = parse_u64(rest.substr(0, rest.find_first_not_of("0123456789")));
      if (micros && *micros > 0) status.next = static_cast<int64_t>(*micros / 1'000'000);
    }
  }
  status.stops_at_logout = !lingers();
  return status;
}

Result<ScheduleStatus> Scheduler::cron_status() {
  const auto text = crontab();
  if (!text) {
    if (text.error().code == Errc::NotFound) return ScheduleStatus{.possible = has_systemd()};
    return fail(text.error());
  }
  for (const auto& line : lines_of(*text)) {
    auto entry = read_cron_line(line);
    if (!entry) continue;
    ScheduleStatus status{.kind = ScheduleKind::Cron, .what = std::move(entry->command)};
    status.accounts = accounts_of(status.what);
    if (!entry->own_times) return status;
    status.interval = entry->interval;
    status.next = next_cron_run(now_, status.interval);
    return status;
  }
  return ScheduleStatus{};
}

}  // namespace libsync::account

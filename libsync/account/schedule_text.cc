// The texts of schedules: intervals, systemd units, crontab lines.
#include <algorithm>
#include <array>

#include "libsync/account/config.h"
#include "libsync/account/schedule.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::account {
namespace {

using std::chrono::minutes;

struct Unit {
  std::string_view name;
  uint64_t minutes;
};
constexpr std::array<Unit, 16> kUnits = {{{"", 1},
                                          {"m", 1},
                                          {"min", 1},
                                          {"mins", 1},
                                          {"minute", 1},
                                          {"minutes", 1},
                                          {"h", 60},
                                          {"hr", 60},
                                          {"hour", 60},
                                          {"hours", 60},
                                          {"d", 1440},
                                          {"day", 1440},
                                          {"days", 1440},
                                          {"w", 10080},
                                          {"week", 10080},
                                          {"weeks", 10080}}};
constexpr std::string_view kSync = " sync --quiet";
constexpr std::string_view kCronMark = " # twinbox schedule ";  // and the interval
constexpr std::array<Unit, 3> kNames = {{{"hourly", 60}, {"daily", 1440}, {"weekly", 10080}}};

// systemd.service(5), "Command lines": C-style quoting, '%' and '$' doubled.
std::string systemd_quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '%' || c == '$') out += c;
    out += c;
  }
  return out + "\"";
}

// crontab(5): the shell runs the line, and a bare '%' would end it.
std::string cron_quote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == '%') {
      out += "'\\%'";
    } else {
      out += c;
    }
  }
  return out + "'";
}

// Takes a text as cron_quote() writes it from the front.
bool take_quoted(std::string_view& text) {
  if (!text.starts_with('\'')) return false;
  text.remove_prefix(1);
  while (true) {
    const size_t end = text.find('\'');
    if (end == text.npos) return false;
    text.remove_prefix(end + 1);
    if (!text.starts_with("\\''") && !text.starts_with("\\%'")) return true;
    text.remove_prefix(3);
  }
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

// A command line as command_line() writes it for cron.
bool is_our_command(std::string_view text) {
  if (!take_quoted(text)) return false;
  if (take(text, " --config ") && !take_quoted(text)) return false;
  if (!take(text, kSync)) return false;
  while (take(text, " ")) {
    const std::string_view name = text.substr(0, text.find(' '));
    if (!check_account_name(name)) return false;
    text.remove_prefix(name.size());
  }
  return text.empty();
}

// The five fields of time, without the space behind them; empty if the line begins otherwise.
std::string_view times_of(std::string_view line) {
  size_t at = 0;
  for (int field = 0; field < 5; ++field) {
    const size_t end = line.find(' ', at);
    if (end == line.npos || end == at) return {};
    if (line.substr(at, end - at).find_first_not_of("0123456789*/,-") != line.npos) return {};
    at = end + 1;
  }
  return line.substr(0, at - 1);
}

template <class Quote>
std::string command_line(const Schedule& schedule, Quote quote) {
  std::string out = quote(schedule.program);
  if (!schedule.config.empty()) out += " --config " + quote(schedule.config);
  out += kSync;
  for (const auto& name : schedule.accounts) out += " " + name;
  return out;
}

}  // namespace

Result<minutes> parse_interval(std::string_view text) {
  const std::string lower = to_lower(trim(text));
  std::optional<uint64_t> count;
  if (const auto named = std::ranges::find(kNames, lower, &Unit::name); named != kNames.end()) {
    count = named->minutes;
  } else {
    const size_t digits = std::min(lower.find_first_not_of("0123456789"), lower.size());
    const auto unit = std::ranges::find(kUnits, trim(std::string_view(lower).substr(digits)), &Unit::name);
    const auto number = parse_u64(std::string_view(lower).substr(0, digits));
    if (number && unit != kUnits.end()) count = std::min<uint64_t>(*number, 1'000'000) * unit->minutes;
  }
  if (!count) {
    return fail(Error{.code = Errc::Usage,
                      .what = say("\"{}\" is not an interval", printable(text, 40)),
                      .hint = say("write it like 15min, 1h or daily")});
  }
  const minutes interval(static_cast<int64_t>(*count));
  if (interval < kShortestInterval || interval > kLongestInterval) {
    return fail(Errc::Usage, say("an interval is between a minute and a week"));
  }
  return interval;
}

std::string interval_text(minutes interval) {
  const auto count = interval.count();
  if (count % 1440 == 0) return fmt::format("{}d", count / 1440);
  if (count % 60 == 0) return fmt::format("{}h", count / 60);
  return fmt::format("{}min", count);
}

std::string service_unit(const Schedule& schedule) {
  return fmt::format(
      "# Written by twinbox schedule enable; twinbox schedule disable removes it.\n"
      "[Unit]\n"
      "Description=Mirror mail with twinbox\n"
      "Documentation=man:twinbox(1)\n"
      "\n"
      "[Service]\n"
      "Type=oneshot\n"
      "ExecStart={}\n"
      "Nice=10\n",
      command_line(schedule, systemd_quote));
}

std::string timer_unit(const Schedule& schedule) {
  // A day or a week is counted by the calendar and made up for after the machine slept through it;
  // shorter ones run from the end of the last sync.
  std::string when;
  if (schedule.interval == minutes(1440)) {
    when = "OnCalendar=daily\nPersistent=true\nRandomizedDelaySec=10min\n";
  } else if (schedule.interval == minutes(10080)) {
    when = "OnCalendar=weekly\nPersistent=true\nRandomizedDelaySec=10min\n";
  } else {
    when = fmt::format("OnStartupSec=1min\nOnUnitActiveSec={}min\n", schedule.interval.count());
  }
  return fmt::format(
      "# Written by twinbox schedule enable; twinbox schedule disable removes it.\n"
      "[Unit]\n"
      "Description=Mirror mail with twinbox every {}\n"
      "\n"
      "[Timer]\n"
      "{}"
      "AccuracySec=10s\n"
      "\n"
      "[Install]\n"
      "WantedBy=timers.target\n",
      interval_text(schedule.interval), when);
}

minutes cron_interval(minutes interval) {
  static constexpr std::array<int, 12> kMinutes = {1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60};
  static constexpr std::array<int, 8> kHours = {1, 2, 3, 4, 6, 8, 12, 24};
  if (interval >= minutes(10080)) return minutes(10080);
  if (interval >= minutes(60)) {
    const auto* above = std::ranges::upper_bound(kHours, interval.count() / 60);
    return minutes(60 * *(above - 1));
  }
  return minutes(*(std::ranges::upper_bound(kMinutes, interval.count()) - 1));
}

namespace {

std::string cron_times(minutes interval) {
  const auto count = cron_interval(interval).count();
  std::string when;
  if (count == 10080) {
    when = "7 4 * * 1";
  } else if (count == 1440) {
    when = "7 4 * * *";
  } else if (count >= 60) {
    when = count == 60 ? "7 * * * *" : fmt::format("7 */{} * * *", count / 60);
  } else {
    when = count == 1 ? "* * * * *" : fmt::format("*/{} * * * *", count);
  }
  return when;
}

}  // namespace

std::string cron_line(const Schedule& schedule) {
  return fmt::format("{} {}", cron_times(schedule.interval), command_line(schedule, cron_quote));
}

std::string marked_cron_line(const Schedule& schedule) {
  return cron_line(schedule) + std::string(kCronMark) + interval_text(cron_interval(schedule.interval));
}

std::optional<CronEntry> read_cron_line(std::string_view line) {
  const size_t mark = line.rfind(kCronMark);
  if (mark == line.npos) return std::nullopt;
  const std::string_view every = line.substr(mark + kCronMark.size());
  const auto interval = parse_interval(every);
  if (!interval || interval_text(*interval) != every) return std::nullopt;
  line = line.substr(0, mark);
  const std::string_view times = times_of(line);
  if (times.empty()) return std::nullopt;
  const std::string_view command = line.substr(times.size() + 1);
  if (!is_our_command(command)) return std::nullopt;
  return CronEntry{.command = std::string(command), .interval = *interval, .own_times = times == cron_times(*interval)};
}

}  // namespace libsync::account

// twinbox schedule enable: sync at intervals.
#include <array>
#include <filesystem>

#include "libsync/base/words.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/context.h"
#include "tools/twinbox/schedule_text.h"

namespace twinbox {

namespace account = libsync::account;
using libsync::Result;
using libsync::say;

namespace {

constexpr std::array<Option, 1> kOptions = {{
    {"every", 0, "INTERVAL", "how often: 15min (the default), 1h, daily, …"},
}};

Result<int> schedule_enable(Context& context, const Arguments& arguments) {
  account::Schedule schedule{.program = context.around().program};
  if (arguments.has("every")) {
    auto interval = account::parse_interval(arguments.value("every"));
    if (!interval) {
      interval.error().what = say("--every: {}", interval.error().what);
      return std::unexpected(interval.error());
    }
    schedule.interval = *interval;
  }
  TB_ASSIGN(const auto accounts, context.accounts(arguments.words()));
  if (!arguments.words().empty()) schedule.accounts = arguments.words();
  for (const account::Account* a : accounts) {
    const bool asked =
        a->password.empty() && a->password_command.empty() && a->password_file.empty() && a->token_command.empty();
    if (asked) context.note(say("{} has no password in the configuration and can't be synced by a timer", a->name));
  }
  // A timer has none of this shell's variables: a file that is not at the usual place is named.
  const std::string path = context.config_path();
  const std::string usual = context.places().config_home + "/twinbox/config.toml";
  if (path != usual) schedule.config = std::filesystem::absolute(path).lexically_normal().string();
  auto scheduler = make_scheduler(context);
  TB_ASSIGN(const auto status, scheduler.enable(schedule));
  print_schedule(context, status);
  context.out().flush();
  if (status.kind == account::ScheduleKind::Cron && status.interval != schedule.interval) {
    context.note(say("cron can't do every {}: {} is the nearest shorter interval that it can",
                     account::interval_text(schedule.interval), account::interval_text(status.interval)));
  }
  return 0;
}

}  // namespace

extern const Command kScheduleEnable;
const Command kScheduleEnable{
    .name = "schedule enable",
    .usage = "[ACCOUNT…]",
    .summary = "sync at intervals, by a systemd timer or cron",
    .options = kOptions,
    .least_words = 0,
    .most_words = kAnyNumber,
    .example =
        "twinbox schedule enable --every 15min\n"
        "twinbox schedule enable work --every daily",
    .run = schedule_enable,
};

}  // namespace twinbox

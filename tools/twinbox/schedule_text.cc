#include "tools/twinbox/schedule_text.h"

#include "libsync/base/words.h"

namespace twinbox {

using libsync::say;
using libsync::word;
using libsync::account::ScheduleKind;
using libsync::account::Scheduler;
using libsync::account::ScheduleStatus;

Scheduler make_scheduler(Context& context) {
  auto& around = context.around();
  return Scheduler(around.fs, context.places(), around.user, around.run_program, context.now());
}

namespace {

Json to_json(const ScheduleStatus& status) {
  const char* kind = status.kind == ScheduleKind::Systemd ? "systemd"
                     : status.kind == ScheduleKind::Cron  ? "cron"
                                                          : "none";
  JsonObject out = {{"schedule", kind}};
  if (status.kind == ScheduleKind::None) return out;
  out.emplace_back("interval_seconds", static_cast<int64_t>(status.interval.count() * 60));
  out.emplace_back("accounts", status.accounts);
  out.emplace_back("next", status.next ? Json(iso_time(*status.next)) : Json());
  out.emplace_back("stops_at_logout", status.stops_at_logout);
  out.emplace_back("command", status.what);
  return out;
}

}  // namespace

void print_schedule(Context& context, const ScheduleStatus& status) {
  if (context.json()) {
    context.out().json(to_json(status));
    return;
  }
  if (status.kind == ScheduleKind::None) {
    context.out().line(say("no schedule; to make one: twinbox schedule enable --every 15min"));
    return;
  }
  const std::string who =
      status.accounts.empty() ? std::string(word("all accounts")) : fmt::format("{}", fmt::join(status.accounts, ", "));
  const std::string every = status.interval.count() > 0 ? libsync::account::interval_text(status.interval) : "?";
  std::string line = status.kind == ScheduleKind::Systemd ? say("{} every {} by a systemd timer", who, every)
                                                          : say("{} every {} by cron", who, every);
  if (status.next) line += say(", next {}", relative_time(*status.next, context.now()));
  context.out().line(line);
  if (status.stops_at_logout) {
    context.out().line(say("the timer stops when you log out; to keep it running: loginctl enable-linger"));
  }
}

}  // namespace twinbox

#include "tools/twinbox/schedule_text.h"

#include <algorithm>

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

Json to_json(const ScheduleStatus& status, const std::vector<std::string>& unknown) {
  const char* kind = status.kind == ScheduleKind::Systemd ? "systemd"
                     : status.kind == ScheduleKind::Cron  ? "cron"
                                                          : "none";
  JsonObject out = {{"schedule", kind}};
  if (status.kind == ScheduleKind::None) return out;
  const auto seconds = static_cast<int64_t>(status.interval.count() * 60);
  out.emplace_back("interval_seconds", seconds > 0 ? Json(seconds) : Json());
  out.emplace_back("accounts", status.accounts);
  out.emplace_back("unknown_accounts", unknown);
  out.emplace_back("next", status.next ? Json(iso_time(*status.next)) : Json());
  out.emplace_back("stops_at_logout", status.stops_at_logout);
  out.emplace_back("command", status.what);
  return out;
}

}  // namespace

std::vector<std::string> unknown_accounts(const ScheduleStatus& status, const libsync::account::Config& config) {
  std::vector<std::string> out;
  for (const auto& name : status.accounts) {
    if (config.find(name) == nullptr) out.push_back(name);
  }
  return out;
}

std::string without_unknown(const ScheduleStatus& status, const std::vector<std::string>& unknown) {
  std::string rest;
  for (const auto& name : status.accounts) {
    if (std::ranges::find(unknown, name) == unknown.end()) rest += " " + name;
  }
  if (rest.empty()) return "twinbox schedule disable";
  const std::string every =
      status.interval.count() > 0 ? " --every " + libsync::account::interval_text(status.interval) : std::string();
  return fmt::format("twinbox schedule enable{}{}", rest, every);
}

void print_schedule(Context& context, const ScheduleStatus& status) {
  // A configuration that can't be read says so elsewhere; here it only leaves the question open.
  const auto config = context.config();
  const auto unknown = config ? unknown_accounts(status, **config) : std::vector<std::string>();
  if (context.json()) {
    context.out().json(to_json(status, unknown));
    return;
  }
  if (status.kind == ScheduleKind::None) {
    context.out().line(status.possible
                           ? say("no schedule; to make one: twinbox schedule enable --every 15min")
                           : say("no schedule, and this machine has neither systemd for users nor cron: let whatever "
                                 "starts programs here run twinbox sync --quiet"));
    return;
  }
  const std::string who =
      status.accounts.empty() ? std::string(word("all accounts")) : fmt::format("{}", fmt::join(status.accounts, ", "));
  const bool systemd = status.kind == ScheduleKind::Systemd;
  std::string line;
  if (status.interval.count() > 0) {
    const std::string every = libsync::account::interval_text(status.interval);
    line = systemd ? say("{} every {} by a systemd timer", who, every) : say("{} every {} by cron", who, every);
  } else {
    line = systemd ? say("{} by a systemd timer, at times of your own", who)
                   : say("{} by cron, at times of your own", who);
  }
  if (status.next) line += say(", next {}", relative_time(*status.next, context.now()));
  context.out().line(line);
  if (!unknown.empty()) {
    context.out().line(say("no longer configured, so that every run fails for it: {}; to leave it out: {}",
                           fmt::join(unknown, ", "), without_unknown(status, unknown)));
  }
  if (status.stops_at_logout) {
    context.out().line(say("the timer stops when you log out; to keep it running: loginctl enable-linger"));
  }
}

}  // namespace twinbox

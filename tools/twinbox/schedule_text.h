// What the schedule commands and status share.
#pragma once

#include "libsync/account/schedule.h"

#include "tools/twinbox/context.h"

namespace twinbox {

libsync::account::Scheduler make_scheduler(Context& context);
// A few lines, or a JSON object.
void print_schedule(Context& context, const libsync::account::ScheduleStatus& status);

// Accounts that the schedule names and the configuration does not have (any more): each run fails for them.
std::vector<std::string> unknown_accounts(const libsync::account::ScheduleStatus& status,
                                          const libsync::account::Config& config);
// What to type to have a schedule without them.
std::string without_unknown(const libsync::account::ScheduleStatus& status, const std::vector<std::string>& unknown);

}  // namespace twinbox

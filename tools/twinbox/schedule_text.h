// What the schedule commands and status share.
#pragma once

#include "libsync/account/schedule.h"

#include "tools/twinbox/context.h"

namespace twinbox {

libsync::account::Scheduler make_scheduler(Context& context);
// One or two lines, or a JSON object.
void print_schedule(Context& context, const libsync::account::ScheduleStatus& status);

}  // namespace twinbox

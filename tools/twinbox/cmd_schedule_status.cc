// twinbox schedule status: what runs when.
#include "tools/twinbox/command.h"
#include "tools/twinbox/context.h"
#include "tools/twinbox/schedule_text.h"

namespace twinbox {

using libsync::Result;

namespace {

Result<int> schedule_status(Context& context, const Arguments&) {
  auto scheduler = make_scheduler(context);
  TB_ASSIGN(const auto status, scheduler.status());
  print_schedule(context, status);
  return 0;
}

}  // namespace

extern const Command kScheduleStatus;
const Command kScheduleStatus{
    .name = "schedule status",
    .usage = "",
    .summary = "say what is scheduled, and when it runs next",
    .options = {},
    .least_words = 0,
    .most_words = 0,
    .example = "twinbox schedule status",
    .run = schedule_status,
};

}  // namespace twinbox

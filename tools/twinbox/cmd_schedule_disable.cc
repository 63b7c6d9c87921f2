// twinbox schedule disable: no more syncs at intervals.
#include "libsync/base/words.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/context.h"
#include "tools/twinbox/schedule_text.h"

namespace twinbox {

using libsync::Result;
using libsync::say;

namespace {

Result<int> schedule_disable(Context& context, const Arguments&) {
  auto scheduler = make_scheduler(context);
  TB_ASSIGN(const bool was_there, scheduler.disable());
  if (context.json()) context.out().json(JsonObject{{"schedule", "none"}, {"was_enabled", was_there}});
  context.note(was_there ? say("the schedule is removed") : say("there was no schedule"));
  return 0;
}

}  // namespace

extern const Command kScheduleDisable;
const Command kScheduleDisable{
    .name = "schedule disable",
    .usage = "",
    .summary = "end the syncs at intervals",
    .options = {},
    .least_words = 0,
    .most_words = 0,
    .example = "twinbox schedule disable",
    .run = schedule_disable,
};

}  // namespace twinbox

// twinbox account remove: takes an account out of the configuration; its mail stays.
#include <algorithm>

#include "libsync/account/config_edit.h"
#include "libsync/base/words.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/context.h"
#include "tools/twinbox/schedule_text.h"
#include "tools/twinbox/store_access.h"

namespace twinbox {

namespace account = libsync::account;
using libsync::Result;
using libsync::say;

namespace {

// The schedule would go on asking for an account that nobody knows. Whether there is one is asked of systemd or
// cron, which may fail; that is no failure of the removal.
void tell_schedule(Context& context, const std::string& name) {
  const auto schedule = make_scheduler(context).status();
  if (!schedule || std::ranges::find(schedule->accounts, name) == schedule->accounts.end()) return;
  const auto config = account::load_config(context.around().fs, context.config_path(), context.places());
  const auto unknown = config ? unknown_accounts(*schedule, *config) : std::vector<std::string>{name};
  context.note(say("the schedule still names {}; to leave it out: {}", name, without_unknown(*schedule, unknown)));
}

Result<int> account_remove(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const account::Account* const found, context.account(arguments.word(0)));
  const std::string path = context.config_path();
  TB_TRY(account::edit_config(context.around().fs, path, [&](std::string_view text) {
    return account::remove_account(text, found->name, path, context.places());
  }));
  if (context.json()) context.out().json(JsonObject{{"account", found->name}, {"store", found->store}});
  const auto open = open_account(context, *found, libsync::store::StoreMode::ReadOnly);
  if (context.around().fs.exists(found->store) && (open || open.error().code != libsync::Errc::NotFound)) {
    context.note(say("{} is no longer configured; its mail stays in {}", found->name,
                     account::shorten_path(found->store, context.places())));
  } else {
    context.note(say("{} is no longer configured", found->name));
  }
  tell_schedule(context, found->name);
  return 0;
}

}  // namespace

extern const Command kAccountRemove;
const Command kAccountRemove{
    .name = "account remove",
    .usage = "NAME",
    .summary = "take an account out of the configuration; its mail stays on this computer",
    .options = {},
    .least_words = 1,
    .most_words = 1,
    .example = "twinbox account remove uni",
    .run = account_remove,
};

}  // namespace twinbox

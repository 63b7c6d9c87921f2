// twinbox folder subscribe, unsubscribe: whether mail programs show a folder that show only those subscribed to.
#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/local_change.h"

namespace twinbox {

using libsync::printable;
using libsync::Result;
using libsync::say;

namespace {

struct Subscribed {
  std::string folder;
  bool changed = false;
};

Result<Subscribed> set(const OpenAccount& open, std::string_view name, bool subscribed) {
  TB_ASSIGN(const auto write, begin_change(open));
  TB_ASSIGN(const auto folder, find_folder(open, name));
  Subscribed out{.folder = folder_name(folder.path), .changed = folder.subscribed != subscribed};
  if (!out.changed) return out;
  TB_TRY(may_change(open, folder.path, LocalChange::Folder));
  TB_TRY(write->set_subscribed(folder.id, subscribed));
  TB_TRY(write->commit());
  return out;
}

Result<int> run(Context& context, const Arguments& arguments, bool subscribed) {
  TB_ASSIGN(const OpenAccount open, open_to_change(context, arguments.word(0), LocalChange::Mail));
  TB_ASSIGN(const Subscribed done, with_way_out(set(open, arguments.word(1), subscribed), open.account->name));
  const std::string name = printable(done.folder);
  if (context.json()) {
    context.out().json(JsonObject{{"account", open.account->name},
                                  {"folder", done.folder},
                                  {"subscribed", subscribed},
                                  {"changed", done.changed ? 1 : 0}});
  } else if (!done.changed) {
    context.note(subscribed ? say("nothing to do: {} is subscribed to already", name)
                            : say("nothing to do: {} is not subscribed to", name));
  } else {
    context.note(subscribed ? say("subscribed to {}", name) : say("{} is no longer subscribed to", name));
  }
  return 0;
}

}  // namespace

extern const Command kFolderSubscribe, kFolderUnsubscribe;
const Command kFolderSubscribe{
    .name = "folder subscribe",
    .usage = "ACCOUNT NAME",
    .summary = "have mail programs show a folder",
    .options = {},
    .least_words = 2,
    .most_words = 2,
    .example = "twinbox folder subscribe work Archive/2026",
    .run = [](Context& context, const Arguments& arguments) { return run(context, arguments, true); },
};
const Command kFolderUnsubscribe{
    .name = "folder unsubscribe",
    .usage = "ACCOUNT NAME",
    .summary = "have mail programs not show a folder",
    .options = {},
    .least_words = 2,
    .most_words = 2,
    .example = "twinbox folder unsubscribe work Archive/2026",
    .run = [](Context& context, const Arguments& arguments) { return run(context, arguments, false); },
};

}  // namespace twinbox

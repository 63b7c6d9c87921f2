// twinbox folder rename: another name for a folder; the folders below it come along.
#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/store/edit.h"
#include "libsync/sync/path.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/local_change.h"

namespace twinbox {

namespace store = libsync::store;
namespace sync = libsync::sync;
using libsync::Errc;
using libsync::fail;
using libsync::printable;
using libsync::Result;
using libsync::say;

namespace {

struct Renamed {
  std::string from;
  uint64_t below = 0;  // folders that came along
  bool changed = true;
};

Result<Renamed> rename(const OpenAccount& open, std::string_view name, const sync::Path& to) {
  TB_ASSIGN(const auto write, begin_change(open));
  TB_ASSIGN(const auto folder, find_folder(open, name));
  Renamed out{.from = folder_name(folder.path)};
  if (folder.path == to) return Renamed{.from = out.from, .changed = false};
  if (sync::is_inbox(folder.path)) return fail(Errc::Usage, say("INBOX keeps its name"));
  if (sync::has_prefix(to, folder.path)) return fail(Errc::Usage, say("{} can't go below itself", printable(out.from)));
  TB_TRY(may_change(open, folder.path, LocalChange::Folder));
  TB_TRY(may_move(open, folder.path, to));
  TB_ASSIGN(const auto boxes, open.store->mailboxes());
  if (const auto taken = store::name_in_the_way(boxes, folder.path, to)) return name_is_taken(*taken);
  TB_TRY(write->rename_mailbox(folder.id, to));
  out.below = static_cast<uint64_t>(
      std::ranges::count_if(boxes, [&](const auto& box) { return sync::has_prefix(box.path, folder.path); }));
  TB_TRY(write->commit());
  return out;
}

Result<int> folder_rename(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const auto to, new_folder_name(arguments.word(2)));
  TB_ASSIGN(const OpenAccount open, open_to_change(context, arguments.word(0), LocalChange::Mail));
  TB_ASSIGN(const Renamed renamed, with_way_out(rename(open, arguments.word(1), to), open.account->name));
  const std::string name = folder_name(to);
  if (context.json()) {
    context.out().json(JsonObject{{"account", open.account->name},
                                  {"folder", name},
                                  {"old_folder", renamed.from},
                                  {"folders_renamed", renamed.changed ? renamed.below + 1 : 0}});
  } else if (!renamed.changed) {
    context.note(say("nothing to do: folder {} is called so already", printable(name)));
  } else if (renamed.below > 0) {
    context.note(say("folder {} is now {}, and so {} below it", printable(renamed.from), printable(name),
                     counted(renamed.below, "folder", "folders")));
  } else {
    context.note(say("folder {} is now {}", printable(renamed.from), printable(name)));
  }
  return 0;
}

}  // namespace

extern const Command kFolderRename;
const Command kFolderRename{
    .name = "folder rename",
    .usage = "ACCOUNT NAME NEWNAME",
    .summary = "give a folder another name or place; those below it come along",
    .options = {},
    .least_words = 3,
    .most_words = 3,
    .example = "twinbox folder rename work Projects Archive/Projects",
    .run = folder_rename,
};

}  // namespace twinbox

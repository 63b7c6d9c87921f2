// twinbox folder delete: an empty folder, or one with its messages, which undelete brings back for 30 days.
#include <array>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/store/edit.h"
#include "libsync/sync/path.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/local_change.h"

namespace twinbox {

namespace store = libsync::store;
using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::printable;
using libsync::Result;
using libsync::say;

namespace {

constexpr std::array<Option, 1> kOptions = {{
    {"with-messages", 0, "", "remove the messages in it, too; undelete has them for 30 days"},
}};

struct Deleted {
  std::string folder;
  uint64_t messages = 0;  // that were in it
};

Result<Deleted> remove(const OpenAccount& open, const Arguments& arguments) {
  TB_ASSIGN(const auto write, begin_change(open));
  TB_ASSIGN(const auto folder, find_folder(open, arguments.word(1)));
  const std::string name = folder_name(folder.path);
  if (libsync::sync::is_inbox(folder.path)) return fail(Errc::Usage, say("INBOX can't be deleted"));
  TB_TRY(may_change(open, folder.path, LocalChange::Folder));
  if (folder.messages > 0 && !arguments.has("with-messages")) {
    return fail(
        Error{.code = Errc::Refused,
              .what = say("{} in folder {}: it was not deleted", messages_text(folder.messages), printable(name)),
              .hint = say("--with-messages removes them, too; they can be had back for {} days",
                          store::kQuarantineSeconds / 86400)});
  }
  TB_ASSIGN(const uint64_t messages, store::remove_all(*open.store, *write, folder.id));
  TB_TRY(write->delete_mailbox(folder.id));
  TB_TRY(write->commit());
  return Deleted{.folder = name, .messages = messages};
}

Result<int> folder_delete(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const OpenAccount open, open_to_change(context, arguments.word(0), LocalChange::Mail));
  TB_ASSIGN(const Deleted deleted, with_way_out(remove(open, arguments), open.account->name));
  if (context.json()) {
    context.out().json(
        JsonObject{{"account", open.account->name}, {"folder", deleted.folder}, {"removed", deleted.messages}});
  } else if (deleted.messages == 0) {
    context.note(say("folder {} deleted", printable(deleted.folder)));
  } else {
    context.note(say("folder {} deleted, {} removed, to be had back for {} days: twinbox undelete {}",
                     printable(deleted.folder), messages_text(deleted.messages), store::kQuarantineSeconds / 86400,
                     open.account->name));
  }
  return 0;
}

}  // namespace

extern const Command kFolderDelete;
const Command kFolderDelete{
    .name = "folder delete",
    .usage = "ACCOUNT NAME",
    .summary = "delete a folder; those below it stay",
    .options = kOptions,
    .least_words = 2,
    .most_words = 2,
    .example =
        "twinbox folder delete work Old\n"
        "twinbox folder delete work Old --with-messages",
    .run = folder_delete,
};

}  // namespace twinbox

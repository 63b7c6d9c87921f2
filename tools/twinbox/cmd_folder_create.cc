// twinbox folder create: a new, empty folder. As with IMAP's CREATE, those above it need not be there.
#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/local_change.h"

namespace twinbox {

using libsync::Result;
using libsync::say;
using libsync::Status;

namespace {

Status create(const OpenAccount& open, const libsync::sync::Path& path) {
  TB_ASSIGN(const auto write, begin_change(open));
  TB_TRY(may_change(open, path, LocalChange::Mail));
  TB_ASSIGN(const auto there, open.store->find_mailbox(path));
  if (there) return name_is_taken(path);
  TB_TRY(write->create_mailbox(path));
  return write->commit();
}

Result<int> folder_create(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const auto path, new_folder_name(arguments.word(1)));
  TB_ASSIGN(const OpenAccount open, open_to_change(context, arguments.word(0), LocalChange::Mail));
  TB_TRY(with_way_out(create(open, path), open.account->name));
  const std::string name = folder_name(path);
  if (context.json()) context.out().json(JsonObject{{"account", open.account->name}, {"folder", name}});
  context.note(say("folder {} made", libsync::printable(name)));
  return 0;
}

}  // namespace

extern const Command kFolderCreate;
const Command kFolderCreate{
    .name = "folder create",
    .usage = "ACCOUNT NAME",
    .summary = "make a folder; a slash in NAME begins a level: Archive/2027",
    .options = {},
    .least_words = 2,
    .most_words = 2,
    .example = "twinbox folder create work Archive/2027",
    .run = folder_create,
};

}  // namespace twinbox

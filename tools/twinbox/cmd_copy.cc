// twinbox copy: messages once more in a folder of the same account. Behind the account come ids, which are numbers, and
// at last a folder: three words at least.
#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/local_change.h"

namespace twinbox {

namespace store = libsync::store;
using libsync::Result;
using libsync::say;

namespace {

struct Copied {
  std::string folder;
  std::vector<store::MessageId> ids;  // of the copies
};

Result<Copied> copy_messages(Context& context, const OpenAccount& open, const Arguments& arguments) {
  TB_ASSIGN(const auto write, begin_change(open));
  TB_ASSIGN(const auto folder, find_folder(open, arguments.words().back()));
  TB_TRY(may_change(open, folder.path, LocalChange::Mail));
  TB_ASSIGN(const auto messages, find_present(open, ids_before_folder(arguments)));
  Copied out{.folder = folder_name(folder.path), .ids = {}};
  CommandLog log(context, open, "copy");
  for (store::MessageInfo message : messages) {
    TB_ASSIGN(const auto placed, write->copy(message.id, folder.id));
    message.id = placed.id;  // what is told of is the copy
    TB_TRY(log.note(libsync::sync::Op::Copy, message, folder.path));
    out.ids.push_back(placed.id);
  }
  TB_TRY(write->commit());
  return out;
}

Result<int> copy(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const OpenAccount open, open_to_change(context, arguments.word(0), LocalChange::Mail));
  TB_ASSIGN(const Copied copied, with_way_out(copy_messages(context, open, arguments), open.account->name));
  if (context.json()) {
    context.out().json(JsonObject{{"account", open.account->name},
                                  {"folder", copied.folder},
                                  {"messages", copied.ids.size()},
                                  {"ids", ids_json(copied.ids)}});
  } else {
    context.note(say("{} copied to {}", messages_text(copied.ids.size()), libsync::printable(copied.folder)));
  }
  return 0;
}

}  // namespace

extern const Command kCopy;
const Command kCopy{
    .name = "copy",
    .usage = "ACCOUNT ID… FOLDER",
    .summary = "copy messages into a folder",
    .options = {},
    .least_words = 3,
    .most_words = kAnyNumber,
    .example = "twinbox copy work 4711 Taxes",
    .run = copy,
};

}  // namespace twinbox

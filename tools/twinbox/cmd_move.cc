// twinbox move: messages into another folder.
#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/local_change.h"

namespace twinbox {

namespace store = libsync::store;
using libsync::Result;
using libsync::say;

namespace {

struct Moved {
  std::string folder;
  uint64_t messages = 0;              // that were named
  std::vector<store::MessageId> ids;  // that were elsewhere
};

Result<Moved> move_messages(Context& context, const OpenAccount& open, const Arguments& arguments) {
  TB_ASSIGN(const auto write, begin_change(open));
  TB_ASSIGN(const auto folder, find_folder(open, arguments.words().back()));
  TB_ASSIGN(const auto messages, find_present(open, ids_before_folder(arguments)));
  TB_ASSIGN(const auto boxes, open.store->mailboxes());
  Moved out{.folder = folder_name(folder.path), .messages = messages.size(), .ids = {}};
  CommandLog log(context, open, "move");
  for (const store::MessageInfo& message : messages) {
    if (message.mailbox == folder.id) continue;
    TB_TRY(may_move(open, path_of(boxes, message.mailbox), folder.path));
    TB_TRY(log.note(libsync::sync::Op::Move, message, folder.path));
    TB_TRY(write->move(message.id, folder.id));
    out.ids.push_back(message.id);
  }
  if (!out.ids.empty()) TB_TRY(write->commit());
  return out;
}

Result<int> move(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const OpenAccount open, open_to_change(context, arguments.word(0), LocalChange::Mail));
  TB_ASSIGN(const Moved moved, with_way_out(move_messages(context, open, arguments), open.account->name));
  const uint64_t count = moved.ids.size(), there = moved.messages - count;
  if (context.json()) {
    context.out().json(JsonObject{{"account", open.account->name},
                                  {"folder", moved.folder},
                                  {"messages", count},
                                  {"already_there", there},
                                  {"ids", ids_json(moved.ids)}});
    return 0;
  }
  const std::string folder = libsync::printable(moved.folder);
  if (count == 0) {
    context.note(say("nothing to do: {} in {} already", messages_text(there), folder));
  } else if (there == 0) {
    context.note(say("{} moved to {}", messages_text(count), folder));
  } else {
    context.note(
        say("{} moved to {}, {} there already", messages_text(count), folder, libsync::with_separators(there)));
  }
  return 0;
}

}  // namespace

extern const Command kMove;
const Command kMove{
    .name = "move",
    .usage = "ACCOUNT ID… FOLDER",
    .summary = "move messages into a folder",
    .options = {},
    .least_words = 3,
    .most_words = kAnyNumber,
    .example = "twinbox move work 4711 4712 Archive/2026",
    .run = move,
};

}  // namespace twinbox

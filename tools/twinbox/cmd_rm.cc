// twinbox rm: messages to Trash, or out of all folders for the 30 days in which undelete brings them back.
#include <array>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/store/edit.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/local_change.h"

namespace twinbox {

namespace store = libsync::store;
using libsync::Result;
using libsync::say;

namespace {

constexpr std::array<Option, 1> kOptions = {{
    {"forever", 0, "", "not to Trash: out of all folders; undelete has it for 30 days"},
}};

struct Removed {
  std::string trash;  // its name, where something went there
  std::vector<store::MessageId> to_trash, gone;
};

// The folder's mode is another than Trash's.
std::unexpected<libsync::Error> no_way_to_trash(const OpenAccount& open, const store::MessageInfo& message,
                                                const libsync::sync::Path& folder, const libsync::sync::Path& trash) {
  libsync::Error error = may_move(open, folder, trash).error();
  error.hint = say("twinbox rm {} {} --forever takes it out of its folder; undelete has it for {} days",
                   open.account->name, message.id, store::kQuarantineSeconds / 86400);
  return libsync::fail(std::move(error));
}

Result<Removed> remove_messages(Context& context, const OpenAccount& open, const Arguments& arguments) {
  TB_ASSIGN(const auto write, begin_change(open));
  TB_ASSIGN(const auto messages, find_present(open, std::span(arguments.words()).subspan(1)));
  TB_ASSIGN(const auto boxes, open.store->mailboxes());
  const auto trash = store::with_role(boxes, libsync::sync::Role::Trash);
  Removed out;
  CommandLog log(context, open, "rm");
  for (const store::MessageInfo& message : messages) {
    const auto path = path_of(boxes, message.mailbox);
    TB_TRY(may_change(open, path, LocalChange::Mail));
    const bool in_trash = store::is_in_trash(boxes, path);
    if (!trash || in_trash || arguments.has("forever")) {
      TB_TRY(log.note(libsync::sync::Op::Remove, message));
      TB_TRY(write->remove(message.id));
      out.gone.push_back(message.id);
    } else {
      if (!open.rights->may_move(path, trash->path)) return no_way_to_trash(open, message, path, trash->path);
      TB_TRY(log.note(libsync::sync::Op::Move, message, trash->path));
      TB_TRY(write->move(message.id, trash->id));
      out.to_trash.push_back(message.id);
      out.trash = folder_name(trash->path);
    }
  }
  TB_TRY(write->commit());
  return out;
}

void tell(Context& context, const OpenAccount& open, const Removed& removed) {
  if (!removed.to_trash.empty()) {
    context.note(say("{} moved to {}", messages_text(removed.to_trash.size()), libsync::printable(removed.trash)));
  }
  if (removed.gone.empty()) return;
  const std::string& name = open.account->name;
  const auto days = store::kQuarantineSeconds / 86400;
  const std::string back = removed.gone.size() == 1 ? say("twinbox undelete {} {}", name, removed.gone.front())
                                                    : say("twinbox undelete {}", name);
  context.note(say("{} removed, to be had back for {} days: {}", messages_text(removed.gone.size()), days, back));
}

Result<int> rm(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const OpenAccount open, open_to_change(context, arguments.word(0), LocalChange::Mail));
  TB_ASSIGN(const Removed removed, with_way_out(remove_messages(context, open, arguments), open.account->name));
  if (!context.json()) {
    tell(context, open, removed);
    return 0;
  }
  context.out().json(JsonObject{{"account", open.account->name},
                                {"messages", removed.to_trash.size() + removed.gone.size()},
                                {"folder", removed.trash.empty() ? Json() : Json(removed.trash)},
                                {"to_trash", removed.to_trash.size()},
                                {"to_trash_ids", ids_json(removed.to_trash)},
                                {"removed", removed.gone.size()},
                                {"removed_ids", ids_json(removed.gone)}});
  return 0;
}

}  // namespace

extern const Command kRm;
const Command kRm{
    .name = "rm",
    .usage = "ACCOUNT ID…",
    .summary = "remove messages: to Trash; from there, or without one, for good after 30 days",
    .options = kOptions,
    .least_words = 2,
    .most_words = kAnyNumber,
    .example =
        "twinbox rm work 4711 4712\n"
        "twinbox rm work 4711 --forever",
    .run = rm,
};

}  // namespace twinbox

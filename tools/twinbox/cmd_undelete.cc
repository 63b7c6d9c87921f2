// twinbox undelete: what was removed comes back, or is listed.
#include <algorithm>
#include <array>
#include <map>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/store/edit.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/local_change.h"
#include "tools/twinbox/message_table.h"

namespace twinbox {

namespace store = libsync::store;
using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::Result;
using libsync::say;
using libsync::Status;
using libsync::word;

namespace {

constexpr int64_t kDay = 86400;
constexpr uint64_t kTerminalLimit = 50;  // as ls has it

constexpr std::array<Option, 2> kOptions = {{
    {"to", 0, "FOLDER", "into this folder, instead of the one it was in"},
    {"limit", 'n', "N", "list at most N messages; 0: all (on a terminal 50 unless given)"},
}};

// --- the list ---

// Days begun count; none: it stays until the next compact.
int64_t days_left(const store::MessageInfo& message, int64_t now) {
  const int64_t left = message.removed_at.value_or(0) + store::kQuarantineSeconds - now;
  return std::clamp<int64_t>((left + kDay - 1) / kDay, 0, store::kQuarantineSeconds / kDay);
}

// Last removed first.
Result<std::vector<store::MessageId>> removed_ids(store::Store& from, uint64_t limit) {
  std::vector<std::pair<int64_t, store::MessageId>> found;
  TB_TRY(from.list({.removed = true}, [&](const store::MessageInfo& message) {
    found.emplace_back(message.removed_at.value_or(0), message.id);
    return true;
  }));
  std::ranges::sort(found, std::greater());
  if (limit > 0 && found.size() > limit) found.resize(limit);
  std::vector<store::MessageId> ids;
  for (const auto& [when, id] : found) ids.push_back(id);
  return ids;
}

std::vector<std::string> row_of(Context& context, const store::MessageInfo& message) {
  return {std::to_string(message.id),
          short_time(message.removed_at.value_or(0), context.now()),
          counted(static_cast<uint64_t>(days_left(message, context.now())), "day", "days"),
          libsync::printable(folder_name(message.removed_from), 200),
          short_sender(message.envelope.from),
          libsync::printable(message.envelope.subject, 1000)};
}

Result<int> list(Context& context, const Arguments& arguments, store::Store& from) {
  TB_ASSIGN(const auto given, arguments.number("limit", 0, INT64_MAX));
  const bool shortens = !given && context.out().terminal() && !context.json();
  TB_ASSIGN(const auto ids, removed_ids(from, given.value_or(shortens ? kTerminalLimit : 0)));
  std::vector<std::vector<std::string>> rows;
  for (const store::MessageId id : ids) {
    TB_ASSIGN(const auto message, from.message(id));
    if (!message || context.out().closed()) continue;
    if (!context.json()) {
      rows.push_back(row_of(context, *message));
      continue;
    }
    JsonObject out = message_json(*message, folder_name(message->removed_from));
    out.emplace_back("days_left", days_left(*message, context.now()));
    context.out().json(out);
  }
  if (context.json()) return 0;
  if (rows.empty()) {
    context.note(say("no removed messages are kept"));
    return 0;
  }
  print_table(context.out(),
              {{.title = std::string(word("id")), .right = true},
               {.title = std::string(word("removed"))},
               {.title = std::string(word("left")), .right = true},
               {.title = std::string(word("folder")), .flexible = true, .drop = 2},
               {.title = std::string(word("from")), .flexible = true, .drop = 1},
               {.title = std::string(word("subject")), .flexible = true}},
              rows);
  if (shortens && rows.size() == kTerminalLimit) context.note(say("the last {}; --limit 0 lists all", kTerminalLimit));
  return 0;
}

// --- restoring ---

struct Restored {
  std::vector<store::MessageId> ids;
  std::map<std::string, uint64_t> folders;  // how many went into each
  bool mirrored = false;                    // one of them is a mirror
};

class Restoring {
 public:
  Restoring(Context& context, const OpenAccount& open, store::Write& write)
      : open_(open), write_(write), log_(context, open, "undelete") {}

  Status prepare(const Arguments& arguments) {
    TB_ASSIGN(boxes_, open_.store->mailboxes());
    if (!arguments.has("to")) return {};
    TB_ASSIGN(to_, find_folder(open_, arguments.value("to")));
    return {};
  }

  Status restore(const store::MessageInfo& message) {
    if (message.mailbox == 0) {
      TB_TRY(write_.restore(message.id, to_ ? std::optional(to_->id) : std::nullopt));
      return note(message, to_ ? to_->path : message.removed_from);
    }
    const libsync::sync::Path path = path_of(boxes_, message.mailbox);
    if (!store::is_in_trash(boxes_, path)) {
      return fail(Error{
          .code = Errc::Usage,
          .what = say("message {} is not removed: it is in {}", message.id, libsync::printable(folder_name(path)))});
    }
    // Where it was before Trash nobody wrote down.
    if (!to_) {
      return fail(Error{.code = Errc::Usage,
                        .what = say("message {} is in {}, and where it was before is not known", message.id,
                                    libsync::printable(folder_name(path))),
                        .hint = say("name a folder: twinbox move {} {} FOLDER", open_.account->name, message.id)});
    }
    TB_TRY(may_move(open_, path, to_->path));
    TB_TRY(write_.move(message.id, to_->id));
    return note(message, to_->path);
  }

  const Restored& done() const { return done_; }

 private:
  Status note(const store::MessageInfo& message, const libsync::sync::Path& path) {
    TB_TRY(log_.note(libsync::sync::Op::Add, message, path));
    done_.ids.push_back(message.id);
    ++done_.folders[folder_name(path)];
    done_.mirrored = done_.mirrored || !may_change(open_, path, LocalChange::Mail);
    return {};
  }

  const OpenAccount& open_;
  store::Write& write_;
  CommandLog log_;
  std::vector<store::MailboxInfo> boxes_;
  std::optional<store::MailboxInfo> to_;
  Restored done_;
};

Result<Restored> restore_messages(Context& context, const Arguments& arguments, const OpenAccount& open) {
  TB_ASSIGN(const auto write, begin_change(open));
  TB_ASSIGN(const auto messages, find_messages(*open.store, std::span(arguments.words()).subspan(1)));
  Restoring restoring(context, open, *write);
  TB_TRY(restoring.prepare(arguments));
  for (const store::MessageInfo& message : messages) TB_TRY(restoring.restore(message));
  TB_TRY(write->commit());
  return restoring.done();
}

void tell(Context& context, const OpenAccount& open, const Restored& restored) {
  std::string text;
  for (const auto& [folder, count] : restored.folders) {
    text += text.empty() ? say("{} back in {}", messages_text(count), libsync::printable(folder))
                         : say(", {} in {}", libsync::with_separators(count), libsync::printable(folder));
  }
  context.note(text);
  if (!restored.mirrored) return;
  context.note(
      say("{} is a mirror: what came back is on this computer only, and a sync lets it be", open.account->name));
}

Result<int> undelete(Context& context, const Arguments& arguments) {
  const std::string& name = arguments.word(0);
  if (arguments.words().size() == 1) {
    if (arguments.has("to")) return fail(Errc::Usage, say("--to goes with the ids of what is to come back"));
    TB_ASSIGN(const OpenAccount open, open_account(context, name));
    return with_way_out(list(context, arguments, *open.store), name);
  }
  TB_ASSIGN(const OpenAccount open, open_to_change(context, name, LocalChange::Restore));
  TB_ASSIGN(const Restored restored, with_way_out(restore_messages(context, arguments, open), name));
  if (!context.json()) {
    tell(context, open, restored);
    return 0;
  }
  JsonList folders;
  for (const auto& [folder, count] : restored.folders)
    folders.push_back(JsonObject{{"folder", folder}, {"messages", count}});
  context.out().json(JsonObject{{"account", name},
                                {"messages", restored.ids.size()},
                                {"folders", std::move(folders)},
                                {"ids", ids_json(restored.ids)}});
  return 0;
}

}  // namespace

extern const Command kUndelete;
const Command kUndelete{
    .name = "undelete",
    .usage = "ACCOUNT [ID…]",
    .summary = "bring removed messages back, or list those that can be",
    .options = kOptions,
    .least_words = 1,
    .most_words = kAnyNumber,
    .example =
        "twinbox undelete work\n"
        "twinbox undelete work 4711 --to INBOX",
    .run = undelete,
};

}  // namespace twinbox

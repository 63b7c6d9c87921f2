// twinbox ls: the messages of an account, newest first, or its folders.
#include <array>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/message_table.h"
#include "tools/twinbox/store_access.h"

namespace twinbox {

namespace store = libsync::store;
using libsync::Result;
using libsync::say;
using libsync::word;

namespace {

// A screenful and some; everything goes to a pipe or a file.
constexpr uint64_t kTerminalLimit = 50;

constexpr std::array<Option, 3> kOptions = {{
    {"limit", 'n', "N", "at most N messages; 0: all (on a terminal 50 unless given)"},
    {"folders", 0, "", "list the folders with their counts"},
    {"removed", 0, "", "list removed messages that are still kept; show reads them"},
}};

Result<int> list_folders(Context& context, store::Store& from) {
  TB_ASSIGN(const auto mailboxes, from.mailboxes());
  std::vector<std::vector<std::string>> rows;
  for (const auto& mailbox : mailboxes) {
    const std::string name = folder_name(mailbox.path);
    if (context.json()) {
      context.out().json(JsonObject{{"folder", name},
                                    {"path", mailbox.path},
                                    {"messages", mailbox.messages},
                                    {"unread", mailbox.unseen},
                                    {"size", mailbox.octets},
                                    {"subscribed", mailbox.subscribed}});
      continue;
    }
    rows.push_back({libsync::printable(name, 400), libsync::with_separators(mailbox.messages),
                    libsync::with_separators(mailbox.unseen), libsync::human_size(mailbox.octets)});
  }
  if (!context.json()) {
    print_table(context.out(),
                {{.title = std::string(word("folder")), .flexible = true},
                 {.title = std::string(word("messages")), .right = true},
                 {.title = std::string(word("unread")), .right = true},
                 {.title = std::string(word("size")), .right = true, .drop = 1}},
                rows);
  }
  return 0;
}

Result<store::ListOptions> list_options(Context& context, const Arguments& arguments, const OpenAccount& open) {
  store::ListOptions options{.removed = arguments.has("removed")};
  if (arguments.words().size() > 1) {
    TB_ASSIGN(const auto mailbox, find_folder(open, arguments.word(1)));
    options.mailbox = mailbox.id;
  }
  TB_ASSIGN(const auto limit, arguments.number("limit", 0, INT64_MAX));
  if (limit) {
    if (*limit > 0) options.limit = *limit;
  } else if (context.out().terminal() && !context.json()) {
    options.limit = kTerminalLimit;
  }
  return options;
}

// How many there are in all, for the line that says what was left out.
Result<uint64_t> count_all(store::Store& from, const store::ListOptions& options) {
  TB_ASSIGN(const auto mailboxes, from.mailboxes());
  uint64_t count = 0;
  for (const auto& mailbox : mailboxes) {
    if (!options.mailbox || mailbox.id == *options.mailbox) count += mailbox.messages;
  }
  return count;
}

Result<int> list_messages(Context& context, const Arguments& arguments, const OpenAccount& open) {
  TB_ASSIGN(const auto options, list_options(context, arguments, open));
  TB_ASSIGN(const auto mailboxes, open.store->mailboxes());
  const FolderNames names(mailboxes);
  MessageTable table(context.out(), context.now(), {.folder = !options.mailbox.has_value()});
  uint64_t shown = 0;
  TB_TRY(open.store->list(options, [&](const store::MessageInfo& message) {
    ++shown;
    if (context.json()) {
      context.out().json(message_json(message, names.of(message)));
    } else {
      table.add(message, {}, names.of(message));
    }
    return !context.out().closed() && !context.stop().stop_requested();
  }));
  table.finish();
  context.out().flush();
  if (!options.removed && shown == options.limit && !arguments.has("limit")) {
    TB_ASSIGN(const uint64_t all, count_all(*open.store, options));
    if (all > shown) context.note(say("{} of {}; --limit 0 lists all", shown, libsync::with_separators(all)));
  }
  if (shown == 0) context.note(options.removed ? say("no removed messages are kept") : say("no messages"));
  return 0;
}

Result<int> ls(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const OpenAccount open, open_account(context, arguments.word(0)));
  return with_way_out(
      arguments.has("folders") ? list_folders(context, *open.store) : list_messages(context, arguments, open),
      open.account->name);
}

}  // namespace

extern const Command kLs;
const Command kLs{
    .name = "ls",
    .usage = "ACCOUNT [FOLDER]",
    .summary = "list messages, newest first",
    .options = kOptions,
    .least_words = 1,
    .most_words = 2,
    .example =
        "twinbox ls work INBOX --limit 20\n"
        "twinbox ls work --folders\n"
        "twinbox ls work --json | jq -r .subject",
    .run = ls,
};

}  // namespace twinbox

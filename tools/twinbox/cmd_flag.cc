// twinbox flag: sets and removes flags and keywords of messages.
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/plan.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/flag_words.h"
#include "tools/twinbox/local_change.h"

namespace twinbox {

namespace store = libsync::store;
namespace sync = libsync::sync;
using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::Result;
using libsync::say;
using libsync::Status;

namespace {

struct Wanted {
  std::vector<std::string> ids;
  sync::Flags add, remove;
};

// What is named twice, once with each sign.
std::string contradiction(const sync::Flags& add, const sync::Flags& remove) {
  const sync::Flags both{.system = add.system & remove.system};
  if (const auto names = flag_names(both); !names.empty()) return names.front();
  for (const std::string& keyword : add.keywords) {
    sync::Flags with = remove;
    with.add_keyword(keyword);
    if (with.keywords.size() == remove.keywords.size()) return keyword;
  }
  return {};
}

Result<Wanted> read_words(const Arguments& arguments) {
  Wanted wanted;
  for (size_t i = 1; i < arguments.words().size(); ++i) {
    const std::string& text = arguments.word(i);
    const bool change = text.starts_with('+') || text.starts_with('-');
    if (change) {
      TB_TRY(read_flag(std::string_view(text).substr(1), text[0] == '+' ? wanted.add : wanted.remove));
    } else {
      wanted.ids.push_back(text);
    }
  }
  if (wanted.ids.empty()) {
    return fail(Error{
        .code = Errc::Usage, .what = say("flag needs the id of a message"), .hint = say("ls and search show the ids")});
  }
  if (wanted.add == sync::Flags() && wanted.remove == sync::Flags()) {
    return fail(Error{.code = Errc::Usage,
                      .what = say("flag needs a flag to set or to remove"),
                      .hint = say("write: +seen, -flagged or +keyword")});
  }
  if (const std::string twice = contradiction(wanted.add, wanted.remove); !twice.empty())
    return fail(Errc::Usage, say("\"{}\" can't be both set and removed", twice));
  return wanted;
}

struct Changed {
  uint64_t messages = 0;              // that were named
  std::vector<store::MessageId> ids;  // whose flags are others now
};

Result<Changed> change_flags(Context& context, const OpenAccount& open, const Wanted& wanted) {
  TB_ASSIGN(const auto write, begin_change(open));
  TB_ASSIGN(const auto messages, find_present(open, wanted.ids));
  TB_ASSIGN(const auto boxes, open.store->mailboxes());
  Changed out{.messages = messages.size(), .ids = {}};
  CommandLog log(context, open, "flag");
  const std::string text = sync::changes_text(wanted.add, wanted.remove);
  for (const store::MessageInfo& message : messages) {
    TB_TRY(may_change(open, path_of(boxes, message.mailbox), LocalChange::Flags));
    TB_TRY(write->change_flags(message.id, wanted.add, wanted.remove));
    TB_ASSIGN(const auto now, open.store->message(message.id));
    if (!now || now->flags == message.flags) continue;
    TB_TRY(log.note(sync::Op::Flags, message, {}, text));
    out.ids.push_back(message.id);
  }
  if (!out.ids.empty()) TB_TRY(write->commit());
  return out;
}

void tell(Context& context, const OpenAccount& open, const Wanted& wanted, const Changed& changed) {
  if (context.json()) {
    context.out().json(JsonObject{{"account", open.account->name},
                                  {"messages", changed.messages},
                                  {"changed", changed.ids.size()},
                                  {"ids", ids_json(changed.ids)}});
    return;
  }
  for (const std::string& keyword : wanted.add.keywords) {
    const auto near = nearest_flag(keyword);
    if (!near.empty()) context.note(say("{} is set as a keyword; the flag is called {}", keyword, near));
  }
  const std::string text = sync::changes_text(wanted.add, wanted.remove);
  const uint64_t count = changed.ids.size();
  if (count == changed.messages) {
    context.note(say("{} changed: {}", messages_text(count), text));
  } else if (count > 0) {
    context.note(say("{} of {} changed: {}; the others are so already", libsync::with_separators(count),
                     messages_text(changed.messages), text));
  } else {
    context.note(say("nothing to do in {}: {}", messages_text(changed.messages), text));
  }
}

Result<int> flag(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const Wanted wanted, read_words(arguments));
  TB_ASSIGN(const OpenAccount open, open_to_change(context, arguments.word(0), LocalChange::Flags));
  TB_ASSIGN(const Changed changed, with_way_out(change_flags(context, open, wanted), open.account->name));
  tell(context, open, wanted, changed);
  return 0;
}

}  // namespace

extern const Command kFlag;
const Command kFlag{
    .name = "flag",
    .usage = "ACCOUNT ID… +FLAG… -FLAG…",
    .summary = "set and remove flags (seen, answered, flagged, deleted, draft) and keywords",
    .options = {},
    .least_words = 2,
    .most_words = kAnyNumber,
    .example =
        "twinbox flag work 4711 +seen\n"
        "twinbox flag work 4711 4712 -seen +flagged +invoice",
    .run = flag,
    .signed_words = true,
};

}  // namespace twinbox

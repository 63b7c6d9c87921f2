// twinbox log: what was done about messages, by whom and why, for 30 days.
#include <algorithm>
#include <array>
#include <map>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/replicas/store.h"
#include "libsync/store/link_table.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/local_change.h"
#include "tools/twinbox/log_text.h"
#include "tools/twinbox/waiting.h"

namespace twinbox {

namespace store = libsync::store;
namespace sync = libsync::sync;
using libsync::printable;
using libsync::Result;
using libsync::say;
using libsync::Status;
using libsync::word;
using sync::Event;
using sync::Row;

namespace {

constexpr uint64_t kTerminalLimit = 50;  // as ls has it

constexpr std::array<Option, 1> kOptions = {{
    {"limit", 'n', "N", "the last N entries; 0: all (on a terminal 50 unless given)"},
}};

class Subjects {
 public:
  explicit Subjects(store::Store& from) : from_(from) {}
  // "" where the message is gone for good, or was never here.
  Result<std::string> of(const sync::Id& message) {
    const store::MessageId id = libsync::replicas::message_of_instance(message);
    if (id == 0) return std::string();
    const auto [known, is_new] = known_.try_emplace(id);
    if (is_new) {
      TB_ASSIGN(const auto found, from_.message(id));
      if (found) known->second = found->envelope.subject;
    }
    return known->second;
  }

 private:
  store::Store& from_;
  std::map<store::MessageId, std::string> known_;
};

Status print(Context& context, store::Store& from, const std::string& account, const std::vector<Event>& events) {
  Subjects subjects(from);
  std::vector<std::vector<std::string>> rows;
  for (const Event& event : events) {
    if (context.out().closed()) return {};
    TB_ASSIGN(const std::string subject, subjects.of(event.message));
    if (context.json()) {
      context.out().json(event_json(event, account, subject));
      continue;
    }
    const store::MessageId id = libsync::replicas::message_of_instance(event.message);
    rows.push_back({short_time(event.time, context.now()), id == 0 ? "" : std::to_string(id),
                    event_text(event, context.now()), printable(subject, 1000)});
  }
  if (rows.empty()) return {};
  print_table(context.out(),
              {{.title = std::string(word("when"))},
               {.title = std::string(word("id")), .right = true},
               {.title = std::string(word("what"))},
               {.title = std::string(word("subject")), .flexible = true, .drop = 1}},
              rows);
  return {};
}

// How it stands with a message now: where it is, and what it waits for.
Status tell_state(Context& context, const OpenAccount& open, const store::MessageInfo& message) {
  TB_ASSIGN(const auto boxes, open.store->mailboxes());
  const std::string folder = printable(FolderNames(boxes).of(message), 200);
  const std::string place = message.mailbox != 0 ? say("it is in {}", folder)
                                                 : say("it was removed from {}: twinbox undelete {} {}", folder,
                                                       open.account->name, message.id);
  context.out().line(say("message {}, \"{}\": {}", message.id, printable(message.envelope.subject, 300), place));
  if (message.saved) {
    context.out().line(say("it came into its folder at {}", short_time(*message.saved, context.now())));
  }
  const auto link = store::open_link(open.store->db());
  return each_waiting(*open.store, *link, [&](Row& row, Matter matter) -> Status {
    if (message_of(row) != message.id || matter == Matter::Nothing) return {};
    std::string line = say("now: {}", matter_text(row, matter));
    if (matter == Matter::Unlinked) {
      line += say("; to link it again: twinbox settle {} {} restore", open.account->name, message.id);
    } else if (matter != Matter::Change) {
      line += say("; to answer: twinbox settle {} {} accept, restore or unlink", open.account->name, message.id);
    }
    context.out().line(line);
    return {};
  });
}

Result<int> run_log(Context& context, const Arguments& arguments, const OpenAccount& open) {
  TB_ASSIGN(const auto given, arguments.number("limit", 0, INT64_MAX));
  const bool of_one = arguments.words().size() > 1;
  const bool shortens = !given && !of_one && context.out().terminal() && !context.json();
  const uint64_t wanted = given.value_or(shortens ? kTerminalLimit : 0);
  const uint64_t limit = wanted == 0 ? SIZE_MAX : wanted;
  const auto link = store::open_link(open.store->db());
  const int64_t since = context.now() - sync::kEventSeconds;
  std::optional<store::MessageInfo> message;
  if (of_one) {
    TB_ASSIGN(message, find_message(*open.store, arguments.word(1)));
  }
  TB_ASSIGN(const auto events, link->events(message ? libsync::replicas::instance_of(message->id) : sync::Id(), since,
                                            static_cast<size_t>(limit)));
  TB_TRY(print(context, *open.store, open.account->name, events));
  if (context.json()) return 0;
  if (events.empty())
    context.note(say("nothing was done about {} in 30 days", of_one ? word("it") : word("any message")));
  if (message) TB_TRY(tell_state(context, open, *message));
  if (shortens && events.size() == kTerminalLimit) {
    context.note(say("the last {}; --limit 0 shows all", kTerminalLimit));
  }
  return 0;
}

Result<int> log(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const OpenAccount open, open_account(context, arguments.word(0)));
  return with_way_out(run_log(context, arguments, open), open.account->name);
}

}  // namespace

extern const Command kLog;
const Command kLog{
    .name = "log",
    .usage = "ACCOUNT [ID]",
    .summary = "say why messages were moved, changed, removed or skipped in the last 30 days",
    .options = kOptions,
    .least_words = 1,
    .most_words = 2,
    .example =
        "twinbox log work\n"
        "twinbox log work 4711",
    .run = log,
};

}  // namespace twinbox

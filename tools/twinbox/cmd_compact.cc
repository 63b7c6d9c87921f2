// twinbox compact: gives back the room of messages that are gone.
#include <array>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/progress.h"
#include "tools/twinbox/store_access.h"

namespace twinbox {

namespace store = libsync::store;
using libsync::Error;
using libsync::Result;
using libsync::say;

namespace {

constexpr std::array<Option, 1> kOptions = {{
    {"force", 0, "", "rewrite every file with a hole in it, however small"},
}};

Result<int> compact(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const OpenAccount open, open_account(context, arguments.word(0), store::StoreMode::ReadWrite));
  ProgressBoard board(context.around().err, context.around().clock, !context.globals().quiet && !context.json());
  const size_t line = board.add(open.account->name);
  auto report = open.store->compact(
      {.force = arguments.has("force")},
      [&](const store::Progress& p) {
        board.update(line, {.done = p.done, .total = p.total, .bytes = p.octets, .bytes_total = p.octets_total});
      },
      context.stop());
  board.remove(line);
  if (!report) {
    Error error = with_way_out(std::move(report).error(), open.account->name);
    error.what = say("{}: {}", open.account->name, error.what);
    return libsync::fail(std::move(error));
  }
  const uint64_t freed = report->bytes_before > report->bytes_after ? report->bytes_before - report->bytes_after : 0;
  if (context.json()) {
    context.out().json(JsonObject{{"account", open.account->name},
                                  {"size_before", report->bytes_before},
                                  {"size_after", report->bytes_after},
                                  {"messages_purged", report->messages_purged},
                                  {"contents_dropped", report->contents_dropped},
                                  {"segments_rewritten", report->segments_rewritten}});
  } else if (freed == 0 && report->messages_purged == 0) {
    context.out().line(
        say("{}  nothing to give back, {}", open.account->name, libsync::human_size(report->bytes_after)));
  } else {
    std::string text = say("{}  {} given back, {} left", open.account->name, libsync::human_size(freed),
                           libsync::human_size(report->bytes_after));
    if (report->messages_purged > 0) {
      text += say("; gone for good: {} removed more than 30 days ago",
                  counted(report->messages_purged, "message", "messages"));
    }
    context.out().line(text);
  }
  return 0;
}

}  // namespace

extern const Command kCompact;
const Command kCompact{
    .name = "compact",
    .usage = "ACCOUNT",
    .summary = "give back the room of messages that are gone",
    .options = kOptions,
    .least_words = 1,
    .most_words = 1,
    .example = "twinbox compact work",
    .run = compact,
};

}  // namespace twinbox

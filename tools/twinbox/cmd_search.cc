// twinbox search: messages by their words, in one account or all.
#include <algorithm>
#include <array>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/message_table.h"
#include "tools/twinbox/progress.h"
#include "tools/twinbox/store_access.h"

namespace twinbox {

namespace account = libsync::account;
namespace store = libsync::store;
using libsync::Errc;
using libsync::fail;
using libsync::Result;
using libsync::say;
using libsync::Status;

namespace {

constexpr uint64_t kDefaultLimit = 50;
constexpr uint64_t kMaxLimit = 100'000;                                     // hits are held until they are sorted
constexpr std::chrono::milliseconds kIndexBudget = std::chrono::hours(24);  // a person waits and sees the progress

constexpr std::array<Option, 2> kOptions = {{
    {"limit", 'n', "N", "at most N messages (50)"},
    {"best", 0, "", "best matches first, not newest"},
}};

struct Query {
  std::vector<const account::Account*> accounts;
  std::string text;
};

// Leading words that name accounts, as long as something is left to look for.
Result<Query> read_query(Context& context, const std::vector<std::string>& words) {
  TB_ASSIGN(const account::Config* const config, context.config());
  std::vector<std::string> names;
  while (names.size() + 1 < words.size() && config->find(words[names.size()]) != nullptr) {
    names.push_back(words[names.size()]);
  }
  Query query;
  TB_ASSIGN(query.accounts, context.accounts(names));
  for (size_t i = names.size(); i < words.size(); ++i) query.text += (query.text.empty() ? "" : " ") + words[i];
  return query;
}

struct Found {
  const account::Account* account;
  std::string folder;
  store::Hit hit;
};

// Brings the index up to date. A store that can't be written to is searched as it is.
Status catch_up(Context& context, const OpenAccount& open) {
  TB_ASSIGN(const uint64_t pending, open.store->unindexed());
  if (pending == 0) return {};
  ProgressBoard board(context.around().err, context.around().clock, !context.globals().quiet && !context.json());
  const size_t line = board.add(open.account->name);
  const auto done = open.store->index_pending(
      kIndexBudget,
      [&](const store::Progress& p) {
        board.update(line, {.done = p.done, .total = p.total, .bytes = p.octets, .bytes_total = p.octets_total});
      },
      context.stop());
  board.remove(line);
  if (done || done.error().code == Errc::Busy) return {};
  return fail(done.error());
}

Result<OpenAccount> open_for_search(Context& context, const account::Account& which) {
  auto open = open_account(context, which, store::StoreMode::ReadWrite);
  if (open) {
    TB_TRY(catch_up(context, *open));
    return open;
  }
  if (open.error().code != Errc::Disk && open.error().code != Errc::Busy) return open;
  return open_account(context, which, store::StoreMode::ReadOnly);
}

// The snippet on one line, with the words that were found in bold on a terminal.
std::string marked(const store::Hit& hit, bool bold) {
  std::string out;
  size_t at = 0;
  const auto plain = [&](size_t end) {
    if (end > at) out += libsync::printable(std::string_view(hit.snippet).substr(at, end - at), 4000);
    at = std::max(at, end);
  };
  for (const store::Mark& mark : hit.marks) {
    const size_t end = mark.offset + mark.length;
    if (!bold || mark.offset < at || end > hit.snippet.size()) continue;
    plain(mark.offset);
    out += "\x1B[1m";
    plain(end);
    out += "\x1B[0m";
  }
  plain(hit.snippet.size());
  return out;
}

void print(Context& context, const std::vector<Found>& found, bool several) {
  if (context.json()) {
    for (const Found& f : found) {
      JsonObject out = {{"account", f.account->name}};
      const JsonObject message = message_json(f.hit.message, f.folder);
      out.insert(out.end(), message.begin(), message.end());
      out.emplace_back("snippet", f.hit.snippet);
      context.out().json(out);
    }
    return;
  }
  MessageTable table(context.out(), context.now(), {.account = several, .folder = true});
  const bool bold = context.out().terminal() && context.globals().color;
  for (const Found& f : found) table.add(f.hit.message, f.account->name, f.folder, marked(f.hit, bold));
  table.finish();
}

// The hits of one account behind those that are there; how many messages are not indexed.
Result<uint64_t> search_one(Context& context, const account::Account& which, const std::string& text,
                            const store::SearchOptions& options, std::vector<Found>& found, bool& more) {
  TB_ASSIGN(const OpenAccount open, open_for_search(context, which));
  TB_ASSIGN(auto result, open.store->search(text, options));
  TB_ASSIGN(const auto mailboxes, open.store->mailboxes());
  const FolderNames names(mailboxes);
  for (store::Hit& hit : result.hits) {
    std::string folder = names.of(hit.message);
    found.push_back({.account = &which, .folder = std::move(folder), .hit = std::move(hit)});
  }
  more = more || result.more;
  return result.unindexed;
}

Result<int> search(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const Query query, read_query(context, arguments.words()));
  TB_ASSIGN(const auto limit, arguments.number("limit", 1, kMaxLimit));
  const store::SearchOptions options{.limit = limit.value_or(kDefaultLimit), .by_rank = arguments.has("best")};
  std::vector<Found> found;
  uint64_t unindexed = 0;
  bool more = false;
  int status = 0;
  for (const account::Account* which : query.accounts) {
    auto result = with_way_out(search_one(context, *which, query.text, options, found, more), which->name);
    if (result) {
      unindexed += *result;
    } else if (query.accounts.size() == 1 || result.error().code == Errc::Usage) {
      return fail(std::move(result).error());  // a wrong query is wrong for every account
    } else if (result.error().code != Errc::NotFound) {
      context.report(result.error());
      status = exit_status(Errc::Refused);
    }
  }
  if (!options.by_rank) {
    std::ranges::sort(found, std::ranges::greater{},
                      [](const Found& f) { return std::pair(f.hit.message.internaldate, f.hit.message.id); });
  }
  if (found.size() > options.limit) {
    found.erase(found.begin() + static_cast<ptrdiff_t>(options.limit), found.end());
    more = true;
  }
  print(context, found, query.accounts.size() > 1);
  context.out().flush();
  if (found.empty()) context.note(say("nothing found"));
  if (more)
    context.note(options.by_rank ? say("the best {}; --limit N shows more", options.limit)
                                 : say("the newest {}; --limit N shows more", options.limit));
  if (unindexed > 0) context.note(say("{} messages are not indexed yet", libsync::with_separators(unindexed)));
  return status;
}

}  // namespace

extern const Command kSearch;
const Command kSearch{
    .name = "search",
    .usage = "[ACCOUNT…] QUERY",
    .summary = "find messages: words, \"phrases\", from: to: subject: in: since: before: is: has: larger: -not",
    .options = kOptions,
    .least_words = 1,
    .most_words = kAnyNumber,
    .example =
        "twinbox search work invoice from:anna since:2026-01-01\n"
        "twinbox search 发票 is:unread\n"
        "twinbox search 'budget -draft'",
    .run = search,
};

}  // namespace twinbox

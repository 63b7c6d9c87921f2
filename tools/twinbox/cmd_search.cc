// twinbox search: messages by their words, in one account or all.
#include <algorithm>
#include <array>
#include <sstream>

#include "libsync/base/nearest.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/store/search_query.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/message_table.h"
#include "tools/twinbox/progress.h"
#include "tools/twinbox/store_access.h"

namespace twinbox {

namespace account = libsync::account;
namespace store = libsync::store;
using libsync::Errc;
using libsync::Error;
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
  if (done || done.error().code == Errc::Busy || done.error().code == Errc::Disk) return {};
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

struct Piece {
  std::string text;
  bool found = false;
};

// The snippet cut at its marks, fit to print.
std::vector<Piece> pieces_of(const store::Hit& hit) {
  std::vector<Piece> out;
  size_t at = 0;
  const auto take = [&](size_t end, bool found) {
    if (end > at) out.push_back({libsync::printable(std::string_view(hit.snippet).substr(at, end - at), 4000), found});
    at = std::max(at, end);
  };
  for (const store::Mark& mark : hit.marks) {
    if (mark.offset < at || mark.offset + mark.length > hit.snippet.size()) continue;
    take(mark.offset, false);
    take(mark.offset + mark.length, true);
  }
  take(hit.snippet.size(), false);
  return out;
}

// Its last columns, with "…" before them.
std::string end_of(std::string_view text, size_t columns) {
  while (!text.empty() && libsync::display_width(text) + 1 > columns) {
    text.remove_prefix(1);
    while (!text.empty() && (static_cast<unsigned char>(text[0]) & 0xC0) == 0x80) text.remove_prefix(1);
  }
  return "…" + std::string(text);
}

// The snippet on one line of `columns`, with the words that were found in bold on a terminal, and the first of them
// in sight. Nothing where they stand elsewhere: in the subject or an address, which the row shows.
std::string marked(const store::Hit& hit, bool bold, size_t columns) {
  std::vector<Piece> pieces = pieces_of(hit);
  if (pieces.size() < 2 && (pieces.empty() || !pieces[0].found)) return {};
  if (!pieces[0].found) {
    const size_t room = columns / 3;
    const bool hidden =
        libsync::display_width(pieces[0].text) + libsync::display_width(pieces[1].text) + room > columns;
    if (hidden) pieces[0].text = end_of(pieces[0].text, room);
  }
  std::string out;
  size_t left = columns;
  for (const Piece& piece : pieces) {
    const std::string text = libsync::fit_width(piece.text, left);
    left -= std::min(left, libsync::display_width(text));
    out += piece.found && bold ? "\x1B[1m" + text + "\x1B[0m" : text;
    if (text.size() < piece.text.size() || left == 0) break;
  }
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
  const size_t columns = MessageTable::below_columns(context.out());
  for (const Found& f : found) table.add(f.hit.message, f.account->name, f.folder, marked(f.hit, bold, columns));
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

// What may be behind a search that found nothing: a mistyped account or field was looked for as a word.
Status hint_why(Context& context, const std::vector<std::string>& words) {
  TB_ASSIGN(const account::Config* const config, context.config());
  std::vector<std::string_view> names;
  for (const account::Account& each : config->accounts) names.push_back(each.name);
  const auto account = libsync::nearest(words[0], names);
  if (words.size() > 1 && !account.empty() && account != words[0]) {
    context.note(say("no account is named \"{}\", so it was looked for as a word; did you mean {}?",
                     libsync::printable(words[0], 60), account));
  }
  std::istringstream all(fmt::format("{}", fmt::join(words, " ")));
  for (std::string word; all >> word;) {
    const size_t colon = word.find(':');
    const std::string key = libsync::to_lower(word.substr(0, std::min(colon, word.size())));
    if (colon == word.npos || key.find_first_not_of("abcdefghijklmnopqrstuvwxyz") != key.npos) continue;
    const bool known = std::ranges::find(store::kSearchKeys, key) != store::kSearchKeys.end();
    if (known && colon + 1 == word.size()) {
      context.note(say("behind {}: comes what is looked for, without a space between them", key));
    } else if (const auto near = libsync::nearest(key, store::kSearchKeys); !known && !near.empty()) {
      context.note(say("{}: is no field, so it was looked for as a word; did you mean {}:?", key, near));
    }
  }
  return {};
}

Result<int> search(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const Query query, read_query(context, arguments.words()));
  TB_ASSIGN(const auto limit, arguments.number("limit", 1, kMaxLimit));
  const store::SearchOptions options{.limit = limit.value_or(kDefaultLimit), .by_rank = arguments.has("best")};
  std::vector<Found> found;
  uint64_t unindexed = 0;
  bool more = false;
  std::vector<int> statuses;
  std::vector<Error> not_there;  // a folder that no account has, or nothing stored yet
  for (const account::Account* which : query.accounts) {
    auto result = with_way_out(search_one(context, *which, query.text, options, found, more), which->name);
    statuses.push_back(result || result.error().code == Errc::NotFound ? 0 : exit_status(result.error()));
    if (result) {
      unindexed += *result;
    } else if (query.accounts.size() == 1 || result.error().code == Errc::Usage) {
      return fail(std::move(result).error());  // a wrong query is wrong for every account
    } else if (result.error().code != Errc::NotFound) {
      context.report(result.error());
    } else {
      not_there.push_back(std::move(result).error());
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
  if (found.empty()) {
    context.note(say("nothing found"));
    if (not_there.size() == query.accounts.size()) {
      const auto near = std::ranges::find_if(not_there, [](const Error& each) { return !each.hint.empty(); });
      const Error& told = near == not_there.end() ? not_there.front() : *near;
      context.note(told.hint.empty() ? told.what : say("{}; {}", told.what, told.hint));
    }
    TB_TRY(hint_why(context, arguments.words()));
  }
  if (more)
    context.note(options.by_rank ? say("the best {}; --limit N shows more", options.limit)
                                 : say("the newest {}; --limit N shows more", options.limit));
  if (unindexed > 0) context.note(say("{} not indexed yet", counted(unindexed, "message is", "messages are")));
  return combined_status(statuses);
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

#include <algorithm>

#include <fmt/format.h>

#include "libsync/base/nearest.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/store/search_query.h"
#include "libsync/store/snippet.h"
#include "libsync/store/store_impl.h"
#include "libsync/store/tokenizer.h"
#include "libsync/sync/path.h"

namespace libsync::store {
namespace {

// Hits are sorted by date among this many that arrived last: sorting all hits of a common word would
// cost what the rest of the search does not.
constexpr uint64_t kSortWindow = 2000;
// One batch of the index is one transaction: short enough for other writers to wait, long enough for
// FTS5 to write well.
constexpr size_t kIndexBatch = 250;
constexpr uint64_t kIndexBatchBytes = 16 << 20;
// Of one message: what lies beyond is the body of an attachment.
constexpr uint64_t kMaxIndexedBytes = 16 << 20;
constexpr uint64_t kMaxSnippetBytes = 2 << 20;

enum Indexed { kPending = 0, kDone = 1, kUnreadable = 2 };

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string_view column_of(SearchField field) {
  switch (field) {
    case SearchField::From:
      return "sender : ";
    case SearchField::To:
      return "recipients : ";
    case SearchField::Subject:
      return "subject : ";
    case SearchField::Text:
      return "body : ";
    case SearchField::Any:
      break;
  }
  return "";
}

// FTS5's expression for the terms that hold a word at all: everything in quotes, so that nothing the
// user types is syntax.
struct Match {
  std::string wanted, unwanted;
};
Match match_of(const SearchQuery& query, Tokens& tokens) {
  Match match;
  for (const SearchTerm& term : query.terms) {
    bool any = false;
    tokens.split(term.text, TokenizeFor::Query, [&](const Token&) {
      any = true;
      return false;
    });
    if (!any) continue;
    std::string& side = term.negated ? match.unwanted : match.wanted;
    if (!side.empty()) side += term.negated ? " OR " : " AND ";
    side += fmt::format("({}{}{})", column_of(term.field), quote(term.text), term.prefix ? " *" : "");
  }
  return match;
}

bool names(const sync::Path& path, std::string_view wanted) {
  const std::string whole = sync::encode_path(path);
  if (iequals(whole, wanted) || istarts_with(whole, std::string(wanted) + "/")) return true;
  return !path.empty() && iequals(path.back(), wanted);
}

// The name, of those that are there, that may have been meant; by its last part too. Empty: none is like it.
std::string nearest_mailbox(const std::vector<MailboxInfo>& boxes, std::string_view name) {
  std::vector<std::pair<std::string, std::string>> known;  // as it may be typed, and whole
  for (const auto& box : boxes) {
    const std::string whole = sync::encode_path(box.path);
    known.emplace_back(to_lower(whole), whole);
    if (box.path.size() > 1) known.emplace_back(to_lower(box.path.back()), whole);
  }
  std::vector<std::string_view> words;
  for (const auto& [typed, whole] : known) words.push_back(typed);
  const std::string_view near = nearest(to_lower(name), words);
  const auto found = std::ranges::find(words, near);
  return near.empty() ? std::string() : known[static_cast<size_t>(found - words.begin())].second;
}

Result<std::string> mailbox_ids(const std::vector<MailboxInfo>& boxes, const std::vector<std::string>& typed) {
  std::string ids;
  for (const auto& name : typed) {
    bool any = false;
    for (const auto& box : boxes) {
      if (!names(box.path, name)) continue;
      any = true;
      ids += fmt::format("{}{}", ids.empty() ? "" : ",", box.id);
    }
    if (any) continue;
    const std::string near = nearest_mailbox(boxes, name);
    return fail(Error{.code = Errc::NotFound,
                      .what = say("search: no folder is called {}", printable(name, 100)),
                      .hint = near.empty() ? "" : say("did you mean \"{}\"?", printable(near, 100))});
  }
  return "[" + ids + "]";
}

// SQL and what is bound to it, growing together.
struct Conditions {
  std::string sql = "m.mailbox IS NOT NULL";
  std::vector<std::string> texts;  // bound as ?10, ?11, …
  bool needs_content = false;

  void add(std::string_view condition) { sql += fmt::format(" AND {}", condition); }
  void add_text(std::string_view before, std::string text, std::string_view after) {
    texts.push_back(std::move(text));
    sql += fmt::format(" AND {}?{}{}", before, 9 + texts.size(), after);
  }
  void add_number(std::string_view before, int64_t number) {
    add_text(fmt::format("{}CAST(", before), std::to_string(number), " AS INTEGER)");
  }
};

Result<Conditions> conditions_of(const SearchQuery& query, const std::vector<MailboxInfo>& boxes) {
  Conditions where;
  if (!query.in.empty()) {
    TB_ASSIGN(auto ids, mailbox_ids(boxes, query.in));
    where.add_text("m.mailbox IN (SELECT value FROM json_each(", std::move(ids), "))");
  }
  if (!query.not_in.empty()) {
    TB_ASSIGN(auto ids, mailbox_ids(boxes, query.not_in));
    where.add_text("m.mailbox NOT IN (SELECT value FROM json_each(", std::move(ids), "))");
  }
  if (query.after) where.add_number("m.internaldate>=", *query.after);
  if (query.before) where.add_number("m.internaldate<", *query.before);
  if (query.flags_set != 0) where.add(fmt::format("(m.flags&{0})={0}", query.flags_set));
  if (query.flags_clear != 0) where.add(fmt::format("(m.flags&{})=0", query.flags_clear));
  for (const auto& tag : query.tags) {
    where.add_text("instr(' '||lower(coalesce(m.keywords,''))||' ', ", " " + to_lower(tag) + " ", ")>0");
  }
  for (const auto& tag : query.not_tags) {
    where.add_text("instr(' '||lower(coalesce(m.keywords,''))||' ', ", " " + to_lower(tag) + " ", ")=0");
  }
  if (query.larger) where.add_number("c.size>", static_cast<int64_t>(*query.larger));
  if (query.smaller) where.add_number("c.size<", static_cast<int64_t>(*query.smaller));
  if (query.attachments) where.add(*query.attachments ? "c.attachments=1" : "c.attachments=0");
  where.needs_content = query.larger || query.smaller || query.attachments;
  return where;
}

std::string select_ids(const Match& match, const Conditions& where, bool by_rank) {
  const std::string_view content = where.needs_content ? " CROSS JOIN content c ON c.id=m.content" : "";
  const std::string without =
      match.unwanted.empty() ? "" : " AND m.content NOT IN (SELECT rowid FROM words WHERE words MATCH ?2)";
  if (match.wanted.empty()) {
    return fmt::format(
        "SELECT m.id FROM message m{} WHERE {}{} ORDER BY m.internaldate DESC, m.id DESC LIMIT ?3 OFFSET ?4", content,
        where.sql, without);
  }
  const std::string from =
      fmt::format("FROM words CROSS JOIN message m ON m.content=words.rowid{} WHERE words MATCH ?1 AND {}{}", content,
                  where.sql, without);
  if (by_rank) return fmt::format("SELECT m.id {} ORDER BY words.rank LIMIT ?3 OFFSET ?4", from);
  return fmt::format(
      "SELECT id FROM (SELECT m.id AS id, m.internaldate AS date {} ORDER BY words.rowid DESC LIMIT max({}, ?3+?4))"
      " ORDER BY date DESC, id DESC LIMIT ?3 OFFSET ?4",
      from, kSortWindow);
}

}  // namespace

Result<uint64_t> StoreImpl::unindexed() {
  TB_ASSIGN(auto s, db_->prepare("SELECT count(*) FROM content WHERE indexed=0"));
  TB_TRY(s.step());
  return static_cast<uint64_t>(s.integer(0));
}

Result<SearchResult> StoreImpl::search(std::string_view text, const SearchOptions& options) {
  TB_ASSIGN(const SearchQuery query, parse_query(text, now()));
  TB_ASSIGN(const auto tokens, Tokens::make(*db_));
  const Match match = match_of(query, *tokens);
  SearchResult result;
  TB_ASSIGN(result.unindexed, unindexed());
  // Words that hold no letter or digit match nothing, rather than everything.
  if (!query.terms.empty() && match.wanted.empty() && match.unwanted.empty()) return result;
  TB_ASSIGN(const auto boxes, mailboxes());
  TB_ASSIGN(const Conditions where, conditions_of(query, boxes));

  std::vector<MessageId> ids;
  {
    TB_ASSIGN(auto s, db_->prepare(select_ids(match, where, options.by_rank)));
    if (!match.wanted.empty()) s.bind_at(0, match.wanted);
    if (!match.unwanted.empty()) s.bind_at(1, match.unwanted);
    const uint64_t limit = std::min<uint64_t>(options.limit, INT32_MAX);
    s.bind_at(2, limit + 1);
    s.bind_at(3, std::min<uint64_t>(options.offset, INT32_MAX));
    for (size_t i = 0; i < where.texts.size(); ++i) s.bind_at(static_cast<int>(9 + i), where.texts[i]);
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) break;
      ids.push_back(s.integer(0));
    }
    result.more = ids.size() > limit;
    if (result.more) ids.pop_back();
  }
  const SnippetMaker maker(*tokens, query);
  for (const MessageId id : ids) {
    TB_ASSIGN(auto info, message(id));
    if (!info) continue;  // removed since
    Hit hit{.message = std::move(*info)};
    if (options.snippets) {
      // A hit whose content is damaged is a hit all the same.
      if (const auto octets = range(hit.message.content, 0, kMaxSnippetBytes)) {
        Snippet snippet = maker.make(mail_.search_text(*octets).body);
        hit.snippet = std::move(snippet.text);
        hit.marks = std::move(snippet.marks);
      }
    }
    result.hits.push_back(std::move(hit));
  }
  return result;
}

// --- the index ---

namespace {

struct Entry {
  ContentId id;
  EnvelopeColumns envelope;
  SearchText text;
  bool readable;
};

Status insert_entry(Db& db, const Entry& entry) {
  TB_ASSIGN(auto done, db.prepare("UPDATE content SET indexed=?, attachments=? WHERE id=? AND indexed=0"));
  TB_TRY(done.bind(entry.readable ? kDone : kUnreadable, entry.text.attachments ? 1 : 0, entry.id).run());
  if (db.changes() == 0) return {};  // another process was quicker, or the content is gone
  TB_ASSIGN(auto s, db.prepare("INSERT INTO words(rowid, subject, sender, recipients, body) VALUES(?,?,?,?,?)"));
  const EnvelopeColumns& e = entry.envelope;
  return s.bind(entry.id, e.subject, e.from, e.to + "\n" + e.cc, entry.text.body).run();
}

}  // namespace

Result<uint64_t> StoreImpl::index_batch(std::stop_token stop, Deadline deadline, Progress& progress) {
  struct Pending {
    ContentId id;
    uint64_t size;
  };
  std::vector<Pending> pending;
  uint64_t bytes = 0;
  {
    TB_ASSIGN(auto s, db_->prepare("SELECT id, size FROM content WHERE indexed=0 ORDER BY id DESC LIMIT ?"));
    s.bind(kIndexBatch);
    while (bytes < kIndexBatchBytes) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) break;
      pending.push_back({s.integer(0), static_cast<uint64_t>(s.integer(1))});
      bytes += std::min(pending.back().size, kMaxIndexedBytes);
    }
  }
  // Text is taken out of the messages before the transaction: nobody waits for it. FTS5 wants
  // ascending rowids, or it writes a segment of its own for each.
  std::ranges::sort(pending, {}, &Pending::id);
  std::vector<Entry> entries;
  for (const Pending& each : pending) {
    if (stop.stop_requested() || (Steady::now() >= deadline && !entries.empty())) break;
    auto octets = range(each.id, 0, kMaxIndexedBytes);
    if (!octets && octets.error().code == Errc::NotFound) continue;
    if (!octets && octets.error().code != Errc::Corrupt) return fail(octets.error());
    Entry entry{.id = each.id, .envelope = {}, .text = {}, .readable = octets.has_value()};
    if (octets) {
      entry.envelope = mail_.columns(header_of(std::string_view(*octets).substr(0, kChunkBytes)));
      entry.text = mail_.search_text(*octets);
    }
    entries.push_back(std::move(entry));
    progress.octets += each.size;
  }
  TB_ASSIGN(auto transaction, Transaction::begin(*db_));
  for (const Entry& entry : entries) TB_TRY(insert_entry(*db_, entry));
  TB_TRY(transaction.commit());
  progress.done += entries.size();
  return entries.size();
}

Result<uint64_t> StoreImpl::index_pending(std::chrono::milliseconds budget, const ProgressFn& progress,
                                          std::stop_token stop) {
  TB_TRY(require_writable());
  // A budget of "all the time there is" must not overflow the clock.
  const Deadline deadline = Steady::now() + std::min<std::chrono::milliseconds>(budget, std::chrono::hours(24 * 365));
  Progress state;
  {
    TB_ASSIGN(auto s, db_->prepare("SELECT count(*), coalesce(sum(size),0) FROM content WHERE indexed=0"));
    TB_TRY(s.step());
    state.total = static_cast<uint64_t>(s.integer(0));
    state.octets_total = static_cast<uint64_t>(s.integer(1));
  }
  while (!stop.stop_requested() && Steady::now() < deadline) {
    TB_ASSIGN(const uint64_t done, index_batch(stop, deadline, state));
    if (done == 0) break;
    if (progress) progress(state);
  }
  return state.done;
}

}  // namespace libsync::store

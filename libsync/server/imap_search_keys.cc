// The keys of SEARCH that IMAP4rev1 and IMAP4rev2 have (RFC 9051, section 6.4.4).
#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/server/imap_commands.h"
#include "libsync/server/imap_search.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

using Cost = SearchKey::Cost;
using Matches = bool (*)(const SearchKey&, SearchSubject&);

bool all(const SearchKey&, SearchSubject&) { return true; }
bool none(const SearchKey&, SearchSubject&) { return false; }

bool match_and(const SearchKey& key, SearchSubject& subject) {
  return std::ranges::all_of(key.keys, [&](const SearchKey& each) { return each.matches(each, subject); });
}
bool match_or(const SearchKey& key, SearchSubject& subject) {
  return std::ranges::any_of(key.keys, [&](const SearchKey& each) { return each.matches(each, subject); });
}
bool match_not(const SearchKey& key, SearchSubject& subject) {
  return !key.keys.front().matches(key.keys.front(), subject);
}
bool flag_set(const SearchKey& key, SearchSubject& subject) { return (subject.row().flags.system & key.number) != 0; }
bool flag_unset(const SearchKey& key, SearchSubject& subject) { return !flag_set(key, subject); }
bool has_keyword(const SearchKey& key, SearchSubject& subject) {
  const auto& keywords = subject.row().flags.keywords;
  return std::ranges::any_of(keywords, [&](const std::string& each) { return iequals(each, key.name); });
}
bool lacks_keyword(const SearchKey& key, SearchSubject& subject) { return !has_keyword(key, subject); }

template <Matches kMatches>
bool bare(SearchReader&, SearchKey& key) {
  key.matches = kMatches;
  return true;
}

template <uint32_t kFlag, bool kSet>
bool flag(SearchReader&, SearchKey& key) {
  key.number = kFlag;
  key.matches = kSet ? flag_set : flag_unset;
  return true;
}

template <Matches kMatches>
bool keyword(SearchReader& in, SearchKey& key) {
  if (!in.text().expect_space()) return false;
  key.name = std::string(in.text().flag());
  key.matches = kMatches;
  return !key.name.empty() || in.text().malformed("a keyword is missing");
}

template <Matches kMatches>
bool number(SearchReader& in, SearchKey& key) {
  if (!in.text().expect_space()) return false;
  const auto read = in.text().number();
  if (!read) return in.text().malformed("a number is missing");
  key.number = *read;
  key.cost = Cost::Facts;
  key.matches = kMatches;
  return true;
}

template <Matches kMatches, Cost kCost>
bool date(SearchReader& in, SearchKey& key) {
  key.cost = kCost;
  key.matches = kMatches;
  return in.date(key.from);
}

bool larger(const SearchKey& key, SearchSubject& subject) { return subject.row().size > key.number; }
bool smaller(const SearchKey& key, SearchSubject& subject) { return subject.row().size < key.number; }
bool before(const SearchKey& key, SearchSubject& subject) { return subject.row().date < key.from; }
bool since(const SearchKey& key, SearchSubject& subject) { return subject.row().date >= key.from; }
bool on(const SearchKey& key, SearchSubject& subject) {
  return subject.row().date >= key.from && subject.row().date < key.from + kDaySeconds;
}
bool sent_before(const SearchKey& key, SearchSubject& subject) {
  const auto day = subject.sent_day();
  return day && *day < key.from;
}
bool sent_since(const SearchKey& key, SearchSubject& subject) {
  const auto day = subject.sent_day();
  return day && *day >= key.from;
}
bool sent_on(const SearchKey& key, SearchSubject& subject) {
  const auto day = subject.sent_day();
  return day && *day >= key.from && *day < key.from + kDaySeconds;
}

bool has_field(const SearchKey& key, SearchSubject& subject) {
  const auto value = subject.field(key.name);
  return value && contains_folded(*value, key.text);
}

// Of what is decoded already; a field that is too long to be kept so is read.
template <std::optional<std::string_view> Columns::* kColumn>
bool has_column(const SearchKey& key, SearchSubject& subject) {
  const auto& column = subject.columns().*kColumn;
  return column ? contains_folded(*column, key.text) : has_field(key, subject);
}

template <std::optional<std::string_view> Columns::* kColumn>
bool column(SearchReader& in, SearchKey& key, std::string_view name) {
  key.name = name;
  key.cost = Cost::Columns;
  key.matches = has_column<kColumn>;
  return in.string(key.text);
}
bool subject(SearchReader& in, SearchKey& key) { return column<&Columns::subject>(in, key, "subject"); }
bool from(SearchReader& in, SearchKey& key) { return column<&Columns::from>(in, key, "from"); }
bool to(SearchReader& in, SearchKey& key) { return column<&Columns::to>(in, key, "to"); }
bool cc(SearchReader& in, SearchKey& key) { return column<&Columns::cc>(in, key, "cc"); }
bool bcc(SearchReader& in, SearchKey& key) {
  key.name = "bcc";
  key.cost = Cost::Header;
  key.matches = has_field;
  return in.string(key.text);
}

bool header(SearchReader& in, SearchKey& key) {
  if (!in.text().expect_space() || !in.text().expect_astring(key.name)) return false;
  if (!in.string(key.text)) return false;
  key.cost = Cost::Header;
  key.matches = has_field;
  // What is decoded already need not be read, but for whether there is such a field at all.
  if (iequals(key.name, "subject") && !key.text.empty()) {
    key.cost = Cost::Columns;
    key.matches = has_column<&Columns::subject>;
  }
  return true;
}

bool in_body(const SearchKey& key, SearchSubject& subject) { return contains_folded(subject.body_text(), key.text); }
bool in_text(const SearchKey& key, SearchSubject& subject) {
  return contains_folded(subject.header_text(), key.text) || in_body(key, subject);
}
template <Matches kMatches>
bool octets(SearchReader& in, SearchKey& key) {
  key.cost = Cost::Whole;
  key.matches = kMatches;
  return in.string(key.text);
}

bool uid_set(SearchReader& in, SearchKey& key) {
  const Selected& s = in.imap().selected();
  if (!in.text().expect_space()) return false;
  auto set =
      read_set(in.text(), {.last = s.uids.last_uid(), .saved = in.imap().has(Ext::SearchRes) ? &s.saved : nullptr});
  if (!set) return in.text().malformed("not a set of UIDs");
  return in.set(std::move(*set), key);
}

bool negation(SearchReader& in, SearchKey& key) {
  key.keys.resize(1);
  if (!in.text().expect_space() || !in.key(key.keys.front())) return false;
  key.cost = key.keys.front().cost;
  key.matches = match_not;
  return true;
}

bool either(SearchReader& in, SearchKey& key) {
  key.keys.resize(2);
  for (SearchKey& each : key.keys) {
    if (!in.text().expect_space() || !in.key(each)) return false;
  }
  std::ranges::sort(key.keys, {}, &SearchKey::cost);
  key.cost = key.keys.back().cost;
  key.matches = match_or;
  return true;
}

constexpr SearchRow kRows[] = {
    {.name = "ALL", .parse = bare<all>},
    {.name = "ANSWERED", .parse = flag<sync::kAnswered, true>},
    {.name = "BCC", .parse = bcc},
    {.name = "BEFORE", .parse = date<before, Cost::Facts>},
    {.name = "BODY", .parse = octets<in_body>},
    {.name = "CC", .parse = cc},
    {.name = "DELETED", .parse = flag<sync::kDeleted, true>},
    {.name = "DRAFT", .parse = flag<sync::kDraft, true>},
    {.name = "FLAGGED", .parse = flag<sync::kFlagged, true>},
    {.name = "FROM", .parse = from},
    {.name = "HEADER", .parse = header},
    {.name = "KEYWORD", .parse = keyword<has_keyword>},
    {.name = "LARGER", .parse = number<larger>},
    // \Recent is nobody's here: nothing is new, all is old.
    {.name = "NEW", .parse = bare<none>},
    {.name = "NOT", .parse = negation},
    {.name = "OLD", .parse = bare<all>},
    {.name = "ON", .parse = date<on, Cost::Facts>},
    {.name = "OR", .parse = either},
    {.name = "RECENT", .parse = bare<none>},
    {.name = "SEEN", .parse = flag<sync::kSeen, true>},
    {.name = "SENTBEFORE", .parse = date<sent_before, Cost::Header>},
    {.name = "SENTON", .parse = date<sent_on, Cost::Header>},
    {.name = "SENTSINCE", .parse = date<sent_since, Cost::Header>},
    {.name = "SINCE", .parse = date<since, Cost::Facts>},
    {.name = "SMALLER", .parse = number<smaller>},
    {.name = "SUBJECT", .parse = subject},
    {.name = "TEXT", .parse = octets<in_text>},
    {.name = "TO", .parse = to},
    {.name = "UID", .parse = uid_set},
    {.name = "UNANSWERED", .parse = flag<sync::kAnswered, false>},
    {.name = "UNDELETED", .parse = flag<sync::kDeleted, false>},
    {.name = "UNDRAFT", .parse = flag<sync::kDraft, false>},
    {.name = "UNFLAGGED", .parse = flag<sync::kFlagged, false>},
    {.name = "UNKEYWORD", .parse = keyword<lacks_keyword>},
    {.name = "UNSEEN", .parse = flag<sync::kSeen, false>},
};

const SearchRow* find(const Imap& imap, std::string_view name) {
  for (const Extension* each : extensions()) {
    if (!imap.has(each->id)) continue;
    for (const SearchRow& row : each->search) {
      if (iequals(row.name, name)) return &row;
    }
  }
  return nullptr;
}

bool begins_set(char c) { return (c >= '0' && c <= '9') || c == '*' || c == '$'; }

}  // namespace

std::span<const SearchRow> base_search_rows() { return kRows; }

bool match_uids(const SearchKey& key, SearchSubject& subject) { return key.uids.contains(subject.row().uid); }

bool SearchReader::key(SearchKey& key) {
  if (++count_ > imap_.limits().keys) return in_.malformed("too many keys");
  if (++depth_ > imap_.limits().depth) return in_.malformed("too many parentheses, NOT and OR inside each other");
  bool read = false;
  if (in_.ch('(')) {
    in_.stray_space();
    read = keys(key) && in_.expect_ch(')');
  } else if (begins_set(in_.peek())) {
    const Selected& s = imap_.selected();
    const bool saved = in_.peek() == '$';
    const auto set = read_set(in_, {.last = s.uids.count(), .saved = imap_.has(Ext::SearchRes) ? &s.saved : nullptr});
    read = set ? this->set(saved ? *set : s.uids.uids_of(*set), key) : in_.malformed("not a set of messages");
  } else {
    const SearchRow* row = find(imap_, in_.atom());
    read = row == nullptr ? in_.malformed("no such search key") : row->parse(*this, key);
  }
  --depth_;
  return read;
}

bool SearchReader::set(imap::SequenceSet uids, SearchKey& key) {
  ranges_ += uids.ranges().size();
  key.uids = std::move(uids);
  key.matches = match_uids;
  return ranges_ <= kMaxSearchRanges || in_.malformed("too many sets");
}

bool SearchReader::keys(SearchKey& all_of) {
  do {
    if (in_.peek() == ')') break;
    if (!key(all_of.keys.emplace_back())) return false;
  } while (in_.space());
  if (all_of.keys.empty()) return in_.malformed("which messages?");
  std::ranges::sort(all_of.keys, {}, &SearchKey::cost);
  all_of.cost = all_of.keys.back().cost;
  all_of.matches = match_and;
  return true;
}

bool SearchReader::string(std::string& folded) {
  std::string octets;
  if (!in_.expect_space() || !in_.expect_astring(octets)) return false;
  std::string utf8;
  converters_.append(charset_, octets, utf8);
  folded = fold_case(utf8);
  return true;
}

bool SearchReader::date(int64_t& day) {
  if (!in_.expect_space()) return false;
  const auto read = read_date(in_);
  if (!read) return in_.malformed("a date is missing, as in 1-Feb-2026");
  day = *read;
  return true;
}

}  // namespace libsync::server

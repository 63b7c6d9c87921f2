#include "libsync/store/search_query.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/replica.h"

namespace libsync::store {
namespace {

constexpr int64_t kDay = 86400;

struct Word {
  bool negated = false;
  std::string key{};  // lower case; "" if there is none
  std::string value{};
  bool quoted = false;
  std::string whole{};  // as typed, for messages
};

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Invalid UTF-8 and NUL would mean other things to SQLite than to the user.
std::string clean(std::string_view text) {
  std::string out = is_valid_utf8(text) ? std::string(text) : printable(text, kMaxQueryBytes * 3);
  std::ranges::replace(out, '\0', ' ');
  return out;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<Word> next() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    if (at_ >= text_.size()) return std::nullopt;
    const size_t start = at_;
    Word word;
    if (text_[at_] == '-' && at_ + 1 < text_.size() && !is_space(text_[at_ + 1])) {
      word.negated = true;
      ++at_;
    }
    const size_t key_end = text_.find_first_of(":\" \t\r\n\v\f", at_);
    if (key_end != text_.npos && text_[key_end] == ':' && key_end > at_ && key_end + 1 < text_.size() &&
        !is_space(text_[key_end + 1])) {
      word.key = to_lower(text_.substr(at_, key_end - at_));
      at_ = key_end + 1;
    }
    read_value(word);
    word.whole = text_.substr(start, at_ - start);
    return word;
  }

 private:
  void read_value(Word& word) {
    if (text_[at_] == '"') {
      word.quoted = true;
      const size_t end = std::min(text_.find('"', at_ + 1), text_.size());
      word.value = text_.substr(at_ + 1, end - at_ - 1);
      at_ = std::min(end + 1, text_.size());
      return;
    }
    const size_t begin = at_;
    while (at_ < text_.size() && !is_space(text_[at_]) && text_[at_] != '"') ++at_;
    word.value = text_.substr(begin, at_ - begin);
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::unexpected<Error> bad(const Word& word, std::string_view expected) {
  return fail(Error{.code = Errc::Usage,
                    .what = say("search: {}: not understood", printable(word.whole, 100)),
                    .hint = std::string(expected)});
}

struct Span {
  int64_t begin, end;  // seconds
};

std::optional<Span> ago(std::string_view text, int64_t now) {
  const int64_t today = now - (now % kDay + kDay) % kDay;
  if (iequals(text, "today")) return Span{today, today + kDay};
  if (iequals(text, "yesterday")) return Span{today - kDay, today};
  constexpr std::array<std::pair<char, int64_t>, 4> kUnits = {{{'d', 1}, {'w', 7}, {'m', 30}, {'y', 365}}};
  for (const auto& [unit, days] : kUnits) {
    if (text.size() < 2 || ascii_lower(text.back()) != unit) continue;
    const auto count = parse_u64(text.substr(0, text.size() - 1));
    if (!count || *count > 100'000) return std::nullopt;
    const int64_t begin = today - static_cast<int64_t>(*count) * days * kDay;
    return Span{begin, begin + kDay};
  }
  return std::nullopt;
}

std::optional<Span> calendar(std::string_view text) {
  using namespace std::chrono;
  std::array<uint64_t, 3> part{};
  size_t parts = 0;
  while (true) {
    const size_t dash = text.find_first_of("-/");
    const auto number = parse_u64(text.substr(0, dash));
    if (!number || parts == 3 || *number > 9999) return std::nullopt;
    part[parts++] = *number;
    if (dash == text.npos) break;
    text.remove_prefix(dash + 1);
  }
  if (part[0] < 1970) return std::nullopt;
  const year y{static_cast<int>(part[0])};
  const month m{static_cast<unsigned>(parts > 1 ? part[1] : 1)};
  const year_month_day first{y, m, day{static_cast<unsigned>(parts > 2 ? part[2] : 1)}};
  if (!first.ok()) return std::nullopt;
  sys_days end = sys_days{first} + days{1};
  if (parts == 1) end = sys_days{(y + years{1}) / January / 1};
  if (parts == 2) end = sys_days{(y / m + months{1}) / 1};
  const auto seconds = [](sys_days d) { return static_cast<int64_t>(d.time_since_epoch().count()) * kDay; };
  return Span{seconds(sys_days{first}), seconds(end)};
}

std::optional<uint64_t> size_of(std::string_view text) {
  uint64_t unit = 1;
  if (!text.empty() && ascii_lower(text.back()) == 'b') text.remove_suffix(1);
  if (text.empty()) return std::nullopt;
  switch (ascii_lower(text.back())) {
    case 'k':
      unit = 1000;
      break;
    case 'm':
      unit = 1000 * 1000;
      break;
    case 'g':
      unit = 1000 * 1000 * 1000;
      break;
    default:
      break;
  }
  if (unit != 1) text.remove_suffix(1);
  const auto number = parse_u64(text);
  if (!number || *number > INT64_MAX / unit) return std::nullopt;
  return *number * unit;
}

Status add_date(SearchQuery& query, const Word& word, int64_t now) {
  auto span = ago(word.value, now);
  if (!span) span = calendar(word.value);
  if (!span || word.negated) return bad(word, libsync::word("dates look like 2024-05-31, 2024-05, 7d or yesterday"));
  if (word.key != "before") query.after = std::max(query.after.value_or(INT64_MIN), span->begin);
  if (word.key == "before") query.before = std::min(query.before.value_or(INT64_MAX), span->begin);
  if (word.key == "on") query.before = std::min(query.before.value_or(INT64_MAX), span->end);
  return {};
}

Status add_size(SearchQuery& query, const Word& word) {
  const auto size = size_of(word.value);
  if (!size || word.negated) return bad(word, libsync::word("sizes look like 5000, 10k, 5M or 1G"));
  if (word.key == "larger") query.larger = std::max(query.larger.value_or(0), *size);
  if (word.key == "smaller") query.smaller = std::min(query.smaller.value_or(INT64_MAX), *size);
  return {};
}

struct Is {
  std::string_view name;
  uint32_t flag;
  bool set;
};
constexpr std::array kIs = {Is{"unread", sync::kSeen, false},
                            Is{"unseen", sync::kSeen, false},
                            Is{"read", sync::kSeen, true},
                            Is{"seen", sync::kSeen, true},
                            Is{"flagged", sync::kFlagged, true},
                            Is{"starred", sync::kFlagged, true},
                            Is{"unflagged", sync::kFlagged, false},
                            Is{"answered", sync::kAnswered, true},
                            Is{"unanswered", sync::kAnswered, false},
                            Is{"draft", sync::kDraft, true},
                            Is{"deleted", sync::kDeleted, true}};

Status add_is(SearchQuery& query, const Word& word) {
  const auto found = std::ranges::find_if(kIs, [&](const Is& is) { return iequals(is.name, word.value); });
  if (found == kIs.end()) {
    return bad(word, libsync::word("is: takes unread, read, flagged, unflagged, answered, unanswered, draft, deleted"));
  }
  (found->set != word.negated ? query.flags_set : query.flags_clear) |= found->flag;
  return {};
}

Status add_has(SearchQuery& query, const Word& word) {
  if (!iequals(word.value, "attachment") && !iequals(word.value, "attachments")) {
    return bad(word, libsync::word("has: takes attachment"));
  }
  query.attachments = !word.negated;
  return {};
}

std::optional<SearchField> field_of(std::string_view key) {
  if (key == "from") return SearchField::From;
  if (key == "to" || key == "cc") return SearchField::To;
  if (key == "subject") return SearchField::Subject;
  if (key == "text" || key == "body") return SearchField::Text;
  return std::nullopt;
}

Status add_word(SearchQuery& query, Word word, int64_t now) {
  if (word.key == "in") {
    (word.negated ? query.not_in : query.in).push_back(word.value);
    return {};
  }
  if (word.key == "tag" || word.key == "keyword") {
    (word.negated ? query.not_tags : query.tags).push_back(word.value);
    return {};
  }
  if (word.key == "after" || word.key == "since" || word.key == "before" || word.key == "on") {
    return add_date(query, word, now);
  }
  if (word.key == "larger" || word.key == "smaller") return add_size(query, word);
  if (word.key == "is") return add_is(query, word);
  if (word.key == "has") return add_has(query, word);
  SearchTerm term{.text = word.value, .negated = word.negated};
  if (const auto field = field_of(word.key)) {
    term.field = *field;
  } else if (!word.key.empty()) {
    term.text = word.key + ":" + word.value;  // "12:30", "https://…": no field, a word
  }
  if (!word.quoted && term.text.ends_with('*')) {
    term.prefix = true;
    term.text.pop_back();
  }
  query.terms.push_back(std::move(term));
  return {};
}

}  // namespace

Result<SearchQuery> parse_query(std::string_view text, int64_t now) {
  if (text.size() > kMaxQueryBytes) return fail(Errc::Limit, say("search: longer than {} bytes", kMaxQueryBytes));
  const std::string cleaned = clean(text);
  Reader reader(cleaned);
  SearchQuery query;
  size_t words = 0;
  while (auto word = reader.next()) {
    if (++words > kMaxQueryTerms) return fail(Errc::Limit, say("search: more than {} words", kMaxQueryTerms));
    TB_TRY(add_word(query, std::move(*word), now));
  }
  return query;
}

}  // namespace libsync::store

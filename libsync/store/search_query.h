// The language of `twinbox search`.
//
//   words are all to be found, in subject, addresses or text; "a phrase"; pre*; -without
//   from: to: subject: text:          in that place only, word or "phrase"
//   in:mailbox                        that mailbox and those below; several: any of them
//   after: since: before: on:         2024-05-31, 2024-05, 2024, 7d 2w 3m 1y (ago), today, yesterday
//   larger: smaller:                  10k 5M 1G (decimal)
//   is:unread read flagged unflagged answered draft       tag:keyword
//   has:attachment
//
// Any text is a query: what is no field is a word, whatever is no letter or digit is passed over.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/result.h"

namespace libsync::store {

// A query is typed or pasted by a person; beyond these it is a mistake.
inline constexpr size_t kMaxQueryBytes = 4096;
inline constexpr size_t kMaxQueryTerms = 64;

// What may stand before a colon.
inline constexpr auto kSearchKeys =
    std::to_array<std::string_view>({"from", "to", "cc", "subject", "text", "body", "in", "after", "since", "before",
                                     "on", "larger", "smaller", "is", "tag", "keyword", "has"});

enum class SearchField { Any, From, To, Subject, Text };

struct SearchTerm {
  SearchField field = SearchField::Any;
  std::string text{};  // valid UTF-8 without NUL
  bool negated = false;
  bool prefix = false;
};

struct SearchQuery {
  std::vector<SearchTerm> terms{};
  std::vector<std::string> in{}, not_in{};      // as typed
  std::optional<int64_t> after{}, before{};     // seconds since 1970 UTC; after <= date < before
  std::optional<uint64_t> larger{}, smaller{};  // octets; larger < size < smaller
  uint32_t flags_set = 0, flags_clear = 0;      // sync::Flag bits
  std::vector<std::string> tags{}, not_tags{};
  std::optional<bool> attachments{};
};

// Errc::Usage, naming the word, for a value that a field can't have (a date that is none); Errc::Limit
// for too much. Days begin at midnight UTC.
Result<SearchQuery> parse_query(std::string_view text, int64_t now);

}  // namespace libsync::store

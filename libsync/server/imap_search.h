// SEARCH's program: keys that are read once and asked of each message. Inside server only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/server/imap_fetch.h"

namespace libsync::server {

inline constexpr int64_t kDaySeconds = 86'400;
inline constexpr size_t kMaxSearchRanges = 1'000'000;  // of UIDs, in the sets of one SEARCH

struct SearchKey {
  // What must be known of a message to ask it, each with what is before it.
  enum class Cost : uint8_t { Flags, Facts, Columns, Header, Whole } cost = Cost::Flags;
  bool (*matches)(const SearchKey& key, SearchSubject& subject) = nullptr;
  uint64_t number = 0;
  int64_t from = 0;            // seconds since 1970 UTC
  std::string name{}, text{};  // a field's name, lower case; what is looked for, folded
  imap::SequenceSet uids{};
  std::vector<SearchKey> keys{};  // of AND, OR and NOT; cheapest first
};

// One message that is searched.
class SearchSubject {
 public:
  explicit SearchSubject(Imap& imap) : target_(imap) {}
  void begin(const MessageRow& row, const Columns& columns);

  const MessageRow& row() const { return target_.row(); }
  const Columns& columns() const { return columns_; }
  // Of the header, decoded to UTF-8: the values of the fields of that name, one a line; nothing: there is none.
  std::optional<std::string> field(std::string_view name);
  // Decoded once for a message, however many keys ask.
  const std::string& header_text();
  const std::string& body_text();
  // The day of Date, in its own zone, as seconds since 1970; nothing without one.
  std::optional<int64_t> sent_day();
  // What could not be read.
  const std::optional<Error>& error() const { return error_; }

 private:
  std::string_view header();
  FetchTarget target_;
  Columns columns_{};
  std::optional<std::string> header_text_, body_text_;
  std::optional<Error> error_;
};

// One command's keys, as they are read. Counts and depth are bounded.
class SearchReader {
 public:
  SearchReader(Imap& imap, imap::Parser& in, std::string charset)
      : imap_(imap), in_(in), charset_(std::move(charset)) {}
  Imap& imap() { return imap_; }
  imap::Parser& text() { return in_; }

  bool key(SearchKey& key);
  bool keys(SearchKey& all);         // to the end, or ")": all of them must match
  bool string(std::string& folded);  // SP astring
  bool date(int64_t& day);           // SP date
  // Of all sets together, so that many that name a mailbox full of gaps take no more memory than it.
  bool set(imap::SequenceSet uids, SearchKey& key);
  size_t count() const { return count_; }
  void asks_modseq() { asks_modseq_ = true; }
  bool wants_modseq() const { return asks_modseq_; }

 private:
  Imap& imap_;
  imap::Parser& in_;
  std::string charset_;
  mime::Converters converters_;
  size_t count_ = 0, depth_ = 0, ranges_ = 0;
  bool asks_modseq_ = false;
};

bool match_uids(const SearchKey& key, SearchSubject& subject);  // key.uids

struct SearchReturn {
  bool extended = false;
  bool min = false, max = false, all = false, count = false, save = false;
};
bool read_search_return(Imap& imap, imap::Parser& in, SearchReturn& wanted);  // imap_ext_esearch.cc
// What "$" stands for behind a search that found these UIDs: imap_ext_searchres.cc.
imap::SequenceSet saved_of(const SearchReturn& wanted, const imap::SequenceSet& found);

// Letters without regard to case, as far as one letter becomes one.
std::string fold_case(std::string_view utf8);
// `folded` is fold_case()'s.
bool contains_folded(std::string_view utf8, std::string_view folded);

}  // namespace libsync::server

// A line of a message's text around the first place that a query meets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libsync/store/search_query.h"
#include "libsync/store/store.h"
#include "libsync/store/tokenizer.h"

namespace libsync::store {

struct Snippet {
  std::string text{};
  std::vector<Mark> marks{};
};

// What to look for: the words of the query's terms that are wanted.
class SnippetMaker {
 public:
  SnippetMaker(Tokens& tokens, const SearchQuery& query);
  // Of `text`, valid UTF-8. Where no word occurs in it, its beginning without marks.
  Snippet make(std::string_view text) const;

 private:
  bool wanted(std::string_view token) const;
  Tokens& tokens_;
  std::vector<std::string> words_, prefixes_;
};

}  // namespace libsync::store

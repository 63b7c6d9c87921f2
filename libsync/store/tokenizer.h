// How text becomes words for the index and for queries: docs/decisions/0004-search-tokenizer.md.
//
// Words of scripts with spaces are SQLite's unicode61: letters and digits, without regard to case and
// diacritics; ß is ss. Scripts without spaces (Han, kana, Hangul, Thai and its neighbours) give each character
// and each pair of neighbours, so that words of one and two characters are found without a dictionary.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "libsync/store/db.h"

namespace libsync::store {

// Makes the tokenizer "twinbox" known to the connection.
Status register_tokenizer(Db& db);

struct Token {
  std::string_view text;      // folded; valid during the call
  size_t begin = 0, end = 0;  // bytes of the input it came from
  bool colocated = false;     // at the same position as the one before
};
enum class TokenizeFor { Document, Query };

// The same outside the index: for snippets, and to see whether a user's word holds anything to look
// for. One thread at a time; belongs to the connection it was made on.
class Tokens {
 public:
  static Result<std::unique_ptr<Tokens>> make(Db& db);
  ~Tokens();
  // `each` false: ends.
  void split(std::string_view text, TokenizeFor what, const std::function<bool(const Token&)>& each);

 private:
  struct Inner;
  explicit Tokens(std::unique_ptr<Inner> inner);
  std::unique_ptr<Inner> inner_;
};

// Takes out each single line break between two such characters: a mail program broke the line, not the writer
// a word. `text` is UTF-8.
std::string join_unspaced_lines(std::string_view text);

// True for characters of scripts that are written without spaces between words.
bool is_unspaced(char32_t c);

}  // namespace libsync::store

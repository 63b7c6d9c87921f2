// Comments and quoted strings of structured fields (RFC 5322, section 3.2). Internal to mime.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "libsync/mime/defect.h"

namespace libsync::mime {

constexpr bool is_fws(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0'; }

// Finds ends of comments and quoted strings in one value. A '(' or '"' that is never closed is an
// ordinary character, and so are all behind it: found out once, so that a value full of them costs one scan.
class Lexer {
 public:
  Lexer(std::string_view in, size_t comment_depth, Defects* defects)
      : in_(in), comment_depth_(comment_depth), defects_(defects) {}

  // Behind the closing ')' or '"' of what opens at `at`; npos if it does not open anything.
  size_t comment_end(size_t at);
  size_t quoted_end(size_t at);
  // Behind white space and comments.
  size_t skip_cfws(size_t at);

 private:
  std::string_view in_;
  size_t comment_depth_;
  Defects* defects_;
  bool comments_ = true;
  bool quotes_ = true;
};

// Appends what stands between quotes or parentheses, backslashes resolved, line ends and NULs left out.
void append_unescaped(std::string_view inside, std::string& out);

}  // namespace libsync::mime

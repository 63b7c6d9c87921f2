#include "libsync/mime/lexer.h"

namespace libsync::mime {

size_t Lexer::comment_end(size_t at) {
  if (!comments_ || at >= in_.size() || in_[at] != '(') return in_.npos;
  size_t depth = 0;
  bool deep = false;
  for (size_t i = at; i < in_.size(); ++i) {
    if (in_[i] == '\\') {
      ++i;
    } else if (in_[i] == '(') {
      if (depth < comment_depth_) {
        ++depth;
      } else {
        deep = true;
      }
    } else if (in_[i] == ')' && --depth == 0) {
      if (deep) note(defects_, Fault::CommentTooDeep, at);
      return i + 1;
    }
  }
  note(defects_, Fault::UnclosedComment, at);
  comments_ = false;
  return in_.npos;
}

size_t Lexer::quoted_end(size_t at) {
  if (!quotes_ || at >= in_.size() || in_[at] != '"') return in_.npos;
  for (size_t i = at + 1; i < in_.size(); ++i) {
    if (in_[i] == '\\') {
      ++i;
    } else if (in_[i] == '"') {
      return i + 1;
    }
  }
  quotes_ = false;
  return in_.npos;
}

size_t Lexer::skip_cfws(size_t at) {
  while (at < in_.size()) {
    if (is_fws(in_[at])) {
      ++at;
    } else if (const size_t end = comment_end(at); end != in_.npos) {
      at = end;
    } else {
      break;
    }
  }
  return at;
}

void append_unescaped(std::string_view inside, std::string& out) {
  for (size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] == '\\' && i + 1 < inside.size()) ++i;
    if (inside[i] != '\r' && inside[i] != '\n' && inside[i] != '\0') out += inside[i];
  }
}

}  // namespace libsync::mime

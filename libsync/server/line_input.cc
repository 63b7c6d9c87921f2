#include "libsync/server/line_input.h"

#include <utility>

namespace libsync::server {

void LineInput::feed(std::string_view bytes) {
  // What was read already need not be kept.
  bytes_.erase(0, std::exchange(taken_, 0));
  bytes_ += bytes;
}

void LineInput::clear() {
  bytes_.clear();
  taken_ = searched_ = 0;
}

LineInput::Found LineInput::next(End end, size_t limit, std::string& line) {
  const std::string_view text = rest();
  const size_t cr = end == End::CrLf ? text.find("\r\n", searched_) : text.npos;
  const size_t lf = end == End::CrLf ? (cr == text.npos ? cr : cr + 1) : text.find('\n', searched_);
  if ((lf == text.npos ? text.size() : lf) > limit) return Found::TooLong;
  if (lf == text.npos) {
    searched_ = text.size() - (text.ends_with('\r') ? 1 : 0);
    return Found::Nothing;
  }
  line = text.substr(0, lf);
  if (line.ends_with('\r')) line.pop_back();
  take(lf + 1);
  return Found::Line;
}

bool LineInput::skip_line() {
  const std::string_view text = rest();
  const size_t end = text.find("\r\n");
  const bool found = end != text.npos;
  take(found ? end + 2 : text.size() - (text.ends_with('\r') ? 1 : 0));
  return found;
}

}  // namespace libsync::server

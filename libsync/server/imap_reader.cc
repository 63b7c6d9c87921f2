#include "libsync/server/imap_reader.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "libsync/base/text.h"

namespace libsync::server {
namespace {

constexpr size_t kKeepBuffer = 64 * 1024;  // a larger one is given back
constexpr size_t kKeepHead = 256;          // of a command that is too long: its tag is in it
constexpr size_t kKeepTail = 64;           // of a line that is passed over

std::optional<AnnouncedLiteral> announced_by(std::string_view line) {
  if (!line.ends_with('}')) return std::nullopt;
  const size_t open = line.rfind('{');
  if (open == line.npos) return std::nullopt;
  std::string_view digits = line.substr(open + 1, line.size() - open - 2);
  const bool plus = digits.ends_with('+');
  if (plus) digits.remove_suffix(1);
  if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) return std::nullopt;
  return AnnouncedLiteral{.size = parse_u64(digits).value_or(UINT64_MAX),
                          .synchronising = !plus,
                          .binary = open > 0 && line[open - 1] == '~'};
}

}  // namespace

void CommandReader::reset() {
  text_.clear();
  if (text_.capacity() > kKeepBuffer) text_.shrink_to_fit();
  literals_.clear();
  line_at_ = 0;
  tail_.clear();
  dropped_ = 0;
  dropping_ = over_long_ = done_ = false;
}

CommandReader::Found CommandReader::next(std::string_view& bytes, size_t limit) {
  if (done_) reset();
  while (!bytes.empty() || (state_ != State::Line && left_ == 0)) {
    if (state_ == State::Line) {
      const void* found = std::memchr(bytes.data(), '\n', bytes.size());
      const size_t length = found == nullptr ? bytes.size() : static_cast<const char*>(found) - bytes.data() + 1;
      const std::string_view piece = bytes.substr(0, length);
      bytes.remove_prefix(length);
      add_to_line(piece, limit);
      if (found == nullptr) return Found::Nothing;
      const Found what = line(passing_over() ? std::string_view(tail_) : std::string_view(text_).substr(line_at_));
      if (what != Found::Nothing) return what;
      continue;
    }
    const auto n = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
    const std::string_view piece = bytes.substr(0, n);
    bytes.remove_prefix(n);
    left_ -= n;
    if (state_ == State::Kept) text_.append(piece);
    if (state_ == State::Streamed && n > 0) {
      octets_ = piece;
      return Found::Octets;
    }
    if (left_ > 0) continue;
    const bool streamed = state_ == State::Streamed;
    state_ = State::Line;
    line_at_ = text_.size();
    if (streamed) return Found::End;
  }
  return Found::Nothing;
}

// Of what is passed over the end of each line alone is kept: it may announce a literal.
void CommandReader::add_to_line(std::string_view piece, size_t limit) {
  if (!passing_over() && text_.size() + piece.size() > limit) {
    over_long_ = true;
    // What announces a literal may have come in pieces.
    tail_ = std::string_view(text_).substr(std::max(line_at_, text_.size() - std::min(text_.size(), kKeepTail)));
    text_ += piece.substr(0, kKeepHead);
    text_.resize(std::min(text_.size(), kKeepHead));
  }
  if (!passing_over()) {
    text_ += piece;
    return;
  }
  tail_.append(piece.substr(piece.size() - std::min(piece.size(), kKeepTail)));
  tail_.erase(0, tail_.size() - std::min(tail_.size(), kKeepTail));
}

// `line`: with its LF.
CommandReader::Found CommandReader::line(std::string_view line) {
  line.remove_suffix(line.ends_with("\r\n") ? 2 : 1);
  const auto literal = plain_ ? std::nullopt : announced_by(line);
  if (literal) announced_ = *literal;
  if (literal && !passing_over()) return Found::Literal;
  if (literal && !literal->synchronising) {
    drop();
    return Found::Nothing;
  }
  done_ = true;
  if (passing_over()) return Found::TooLong;
  text_.resize(line_at_ + line.size());
  return Found::Command;
}

void CommandReader::begin(State state) {
  state_ = state;
  left_ = announced_.size;
  literals_.push_back(
      {.at = text_.size(), .size = announced_.size, .streamed = state != State::Kept, .binary = announced_.binary});
}

void CommandReader::keep() { begin(State::Kept); }
void CommandReader::stream() { begin(State::Streamed); }

void CommandReader::drop() {
  if (announced_.synchronising) {
    // The client has to see that no "+" comes, and begins anew.
    done_ = true;
    return;
  }
  dropping_ = true;
  dropped_ += std::min(announced_.size, UINT64_MAX - dropped_);
  state_ = State::Discarded;
  left_ = announced_.size;
  tail_.clear();
}

}  // namespace libsync::server

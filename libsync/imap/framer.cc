#include "libsync/imap/framer.h"

#include <algorithm>
#include <cstring>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::imap {
namespace {

// A buffer that grew for one long response is given back, and so is a list of its literals.
constexpr size_t kKeepBuffer = size_t{1} << 20;
constexpr size_t kKeepLiterals = 1000;

struct Announced {
  uint64_t size = 0;
  bool binary = false;
  bool too_large = false;  // does not fit 64 bits
};

// "{n}", "{n+}" or "~{n}" at the end of a line.
std::optional<Announced> announced_literal(std::string_view line) {
  if (!line.ends_with('}')) return std::nullopt;
  const size_t open = line.rfind('{');
  if (open == std::string_view::npos) return std::nullopt;
  std::string_view digits = line.substr(open + 1, line.size() - open - 2);
  if (digits.ends_with('+')) digits.remove_suffix(1);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  const auto size = parse_u64(digits);
  return Announced{.size = size.value_or(0), .binary = open > 0 && line[open - 1] == '~', .too_large = !size};
}

// Text for people may end in "{5}" without announcing anything: only data responses have literals.
bool may_have_literals(std::string_view response) {
  if (!response.starts_with("* ")) return false;
  constexpr size_t kLongest = std::string_view("PREAUTH ").size();
  response = response.substr(2, kLongest);
  const std::string_view word = response.substr(0, response.find(' '));
  return !iequals(word, "OK") && !iequals(word, "NO") && !iequals(word, "BAD") && !iequals(word, "BYE") &&
         !iequals(word, "PREAUTH");
}

bool is_fetch(std::string_view response) {
  constexpr size_t kHead = 32;  // no number has more than 20 digits
  response = response.substr(0, kHead);
  if (!response.starts_with("* ")) return false;
  const size_t digits_end = response.find_first_not_of("0123456789", 2);
  return digits_end != std::string_view::npos && digits_end > 2 && istarts_with(response.substr(digits_end), " FETCH ");
}

// Whether the literal behind `prefix` is message text: the item before it is BODY[…], BINARY[…] or RFC822. Of a
// response with many literals the prefix is what stands behind the last one: read once, however many there are.
bool is_body_literal(std::string_view prefix) {
  while (prefix.ends_with(' ')) prefix.remove_suffix(1);
  if (prefix.ends_with('>')) prefix = prefix.substr(0, prefix.rfind('<'));
  const bool section = prefix.ends_with(']');
  if (section) prefix = prefix.substr(0, prefix.rfind('['));
  const size_t before = prefix.find_last_of(" (");
  const std::string_view item = before == std::string_view::npos ? prefix : prefix.substr(before + 1);
  if (section) return iequals(item, "BODY") || iequals(item, "BINARY");
  return iequals(item, "RFC822") || iequals(item, "RFC822.HEADER") || iequals(item, "RFC822.TEXT");
}

}  // namespace

Status Framer::too_long() const {
  return fail(Errc::Limit, say("the server sends a response of more than {}", human_size(max_)));
}

Result<size_t> Framer::feed(std::string_view bytes, FrameSink& sink) {
  size_t at = 0;
  paused_ = false;
  while (at < bytes.size() && !paused_) {
    if (in_literal_) {
      at += take_literal(bytes.substr(at), sink);
      continue;
    }
    const std::string_view left = bytes.substr(at);
    const void* found = std::memchr(left.data(), '\n', left.size());
    const size_t length = found == nullptr ? left.size() : static_cast<const char*>(found) - left.data() + 1;
    if (text_.size() + length > max_) {
      TB_TRY(too_long());
    }
    at += length;
    if (found == nullptr) {
      text_.append(left);
      break;
    }
    TB_TRY(line(left.substr(0, length), sink));
  }
  return at;
}

Status Framer::line(std::string_view line, FrameSink& sink) {
  const bool whole = text_.empty();
  if (!whole) text_.append(line);
  const std::string_view response = whole ? line : std::string_view(text_);
  std::string_view text = response.substr(0, response.size() - 1);
  // The octets of a literal are no part of the line behind it, whatever they end in.
  const size_t begin = line_begin();
  if (text.size() > begin && text.ends_with('\r')) {
    text.remove_suffix(1);
  } else {
    quirks_.note(Quirk::LfOnly);
  }
  if (text.ends_with('}') && may_have_literals(text) && announced_literal(text.substr(begin))) {
    if (whole) text_.assign(line);
    return begin_literal(std::string_view(text_).substr(begin, text.size() - begin), sink);
  }
  sink.frame({.text = text, .literals = literals_});
  text_.clear();
  if (text_.capacity() > kKeepBuffer) text_.shrink_to_fit();
  literals_.clear();
  if (literals_.capacity() > kKeepLiterals) literals_.shrink_to_fit();
  streamed_ = 0;
  return {};
}

size_t Framer::line_begin() const {
  if (literals_.empty()) return 0;
  const Literal& last = literals_.back();
  return last.at + static_cast<size_t>(last.streamed ? 0 : last.size);
}

Status Framer::begin_literal(std::string_view announced, FrameSink& sink) {
  const Announced literal = *announced_literal(announced);
  const std::string_view prefix =
      announced.substr(0, announced.rfind('{') - static_cast<size_t>(literal.binary ? 1 : 0));
  const bool streamed = is_fetch(text_) && is_body_literal(prefix);
  const uint64_t limit = streamed ? limits_.streamed_literal : limits_.small_literal;
  if (literal.too_large || literal.size > limit) {
    return fail(Errc::Limit, say("the server announces a literal of {}, more than {}",
                                 literal.too_large ? std::string(word("more than 64 bits"))
                                                   : say("{} octets", with_separators(literal.size)),
                                 human_size(limit)));
  }
  if (!streamed && text_.size() + literal.size > max_) return too_long();
  if (streamed && ++streamed_ > limits_.literals) {
    return fail(Errc::Limit, say("the server sends more than {} literals in one response", limits_.literals));
  }
  literals_.push_back({.at = text_.size(), .size = literal.size, .streamed = streamed, .binary = literal.binary});
  in_literal_ = true;
  left_ = literal.size;
  if (streamed) sink.literal_begin(text_, literals_);
  if (left_ == 0) end_literal(sink);
  return {};
}

size_t Framer::take_literal(std::string_view bytes, FrameSink& sink) {
  const size_t n = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
  if (literals_.back().streamed) {
    sink.literal_data(bytes.substr(0, n));
  } else {
    text_.append(bytes.substr(0, n));
  }
  left_ -= n;
  if (left_ == 0) end_literal(sink);
  return n;
}

void Framer::end_literal(FrameSink& sink) {
  in_literal_ = false;
  if (literals_.back().streamed) sink.literal_end();
}

}  // namespace libsync::imap

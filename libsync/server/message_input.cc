#include "libsync/server/message_input.h"

#include <algorithm>
#include <utility>

#include "libsync/base/text.h"

namespace libsync::server {
namespace {

constexpr size_t kMaxFieldName = 998;  // RFC 5322, section 2.1.1: of a line

}  // namespace

void DataReader::put(std::string_view octets, std::string& out) {
  out += octets;
  octets_ += octets.size();
  line_ += octets.size();
  longest_line_ = std::max(longest_line_, line_);
}

void DataReader::step(char c, std::string& out) {
  switch (std::exchange(state_, c == '\r' ? State::Cr : State::Text)) {
    case State::LineStart:
      if (c == '.') {
        state_ = State::Dot;
        return;
      }
      break;
    case State::Dot:  // the dot is no part of the message, whatever follows
      if (c == '\r') {
        state_ = State::DotCr;
        return;
      }
      break;
    case State::DotCr:
      if (c == '\n') {
        state_ = State::Done;
        return;
      }
      put("\r", out);
      bare_ = true;
      break;
    case State::Cr:
      if (c == '\n') {
        out += "\r\n";
        octets_ += 2;
        line_ = 0;
        state_ = State::LineStart;
        return;
      }
      put("\r", out);
      bare_ = true;
      break;
    case State::Text:
    case State::Done:
      break;
  }
  // A CR is put once it is known what it belongs to.
  if (c == '\r') return;
  bare_ = bare_ || c == '\n';
  put({&c, 1}, out);
}

size_t DataReader::feed(std::string_view bytes, std::string& out) {
  size_t at = 0;
  while (at < bytes.size() && !done()) {
    if (state_ == State::Text) {
      const size_t end = std::min(bytes.find_first_of("\r\n", at), bytes.size());
      put(bytes.substr(at, end - at), out);
      at = end;
      if (at == bytes.size()) break;
    }
    step(bytes[at++], out);
  }
  return at;
}

// Whether start_ is a field's: its name, as far as the colon (RFC 5322, section 2.2).
bool HeaderCompleter::is_field() {
  if (!start_.ends_with(':')) return false;
  std::string_view name(start_);
  name.remove_suffix(1);
  name = name.substr(0, name.find_last_not_of(" \t") + 1);  // RFC 5322, section 4.5
  if (name.empty() || !std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7F; })) return false;
  if (iequals(name, "Date")) date_.clear();
  if (iequals(name, "Message-ID")) message_id_.clear();
  return true;
}

void HeaderCompleter::end_header(std::string& out) {
  out += std::exchange(date_, {});
  out += std::exchange(message_id_, {});
  in_header_ = false;
}

void HeaderCompleter::feed(std::string_view octets, std::string& out) {
  while (in_header_ && !octets.empty()) {
    if (!at_start_) {
      const size_t end = octets.find('\n');
      at_start_ = end != octets.npos;
      const size_t taken = at_start_ ? end + 1 : octets.size();
      out += octets.substr(0, taken);
      octets.remove_prefix(taken);
      continue;
    }
    const char c = octets.front();
    octets.remove_prefix(1);
    start_ += c;
    const bool folded = start_.size() == 1 && (c == ' ' || c == '\t') && !first_;
    if (!folded && c != ':' && c != '\n' && start_.size() < kMaxFieldName) continue;
    // Else it is the empty line, or the body begins without one.
    if (!folded && !is_field()) end_header(out);
    out += std::exchange(start_, {});
    at_start_ = c == '\n';
    first_ = false;
  }
  out += octets;
}

void HeaderCompleter::end(std::string& out) {
  out += std::exchange(start_, {});
  if (in_header_) end_header(out);
}

}  // namespace libsync::server

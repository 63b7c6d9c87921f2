#include "libsync/server/faulty_session.h"

#include <algorithm>
#include <utility>

#include "libsync/base/text.h"

namespace libsync::server {
namespace {

constexpr size_t kMostWaiting = 256 * 1024;  // of input
constexpr size_t kMaxCounts = 1000;          // words of commands

std::string_view word_at(std::string_view& rest) {
  const std::string_view word = rest.substr(0, rest.find_first_of(" \r\n"));
  rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  return word;
}

// "{12}", "{12+}" at the end of a line.
uint64_t announced(std::string_view line) {
  line = trim(line);
  if (!line.ends_with('}')) return 0;
  const size_t open = line.rfind('{');
  if (open == line.npos) return 0;
  std::string_view digits = line.substr(open + 1, line.size() - open - 2);
  if (digits.ends_with('+')) digits.remove_suffix(1);
  return parse_u64(digits).value_or(0);
}

bool begins_a_line(std::string_view text, std::string_view word) {
  return text.starts_with(word) || text.find("\n" + std::string(word) + " ") != text.npos;
}

// Adds to each number that stands behind `mark`.
void add_behind(std::string& text, std::string_view mark, int64_t more) {
  for (size_t at = text.find(mark); at != text.npos; at = text.find(mark, at + 1)) {
    const size_t begin = at + mark.size();
    const size_t end = std::min(text.find_first_not_of("0123456789", begin), text.size());
    const auto number = parse_u64(std::string_view(text).substr(begin, end - begin));
    if (!number || *number > INT64_MAX / 2) continue;
    const int64_t told = std::max<int64_t>(0, static_cast<int64_t>(*number) + more);
    text.replace(begin, end - begin, std::to_string(told));
  }
}

// "3 1200" of LIST, "+OK 1200 octets" of RETR.
void add_to_pop3_sizes(std::string& text, int64_t more) {
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t length = std::min(rest.find('\n'), rest.size() - 1) + 1;
    std::string line(rest.substr(0, length));
    rest.remove_prefix(length);
    std::string_view words = line;
    const std::string_view first = word_at(words);
    if (parse_u64(first) || (first == "+OK" && line.ends_with(" octets\r\n"))) {
      add_behind(line, std::string(first) + " ", more);
    }
    out += line;
  }
  text = std::move(out);
}

}  // namespace

FaultySession::FaultySession(std::unique_ptr<Session> inner, Options options)
    : inner_(std::move(inner)), options_(std::move(options)) {}

void FaultySession::feed(std::string_view bytes, Steady::time_point) { input_ += bytes; }

bool FaultySession::wants_input() const { return !over() && input_.size() < kMostWaiting; }

// While an answer is kept back, what the inner session does in time waits too.
Deadline FaultySession::deadline() const { return due_ ? *due_ : inner_->deadline(); }

void FaultySession::tls_started(std::vector<sasl::ChannelBinding> bindings, Steady::time_point now) {
  input_.clear();
  inner_->tls_started(std::move(bindings), now);
}

std::optional<std::string> FaultySession::take_deflate() {
  auto behind = inner_->take_deflate();
  if (behind) *behind += std::exchange(input_, {});
  return behind;
}

void FaultySession::die() {
  over_ = true;
  held_.clear();
  if (options_.die) options_.die();
}

// Hands the next whole line on; false: there is none.
bool FaultySession::next_command(Steady::time_point now) {
  if (input_.empty() || !inner_->wants_input()) return false;
  if (passing_ > 0) {
    const size_t n = static_cast<size_t>(std::min<uint64_t>(passing_, input_.size()));
    inner_->feed(std::string_view(input_).substr(0, n), now);
    input_.erase(0, n);
    passing_ -= n;
    in_text_ = true;
    return true;
  }
  const size_t end = input_.find('\n');
  // A line without an end is the inner session's to bound.
  const size_t length = end == input_.npos ? input_.size() : end + 1;
  const std::string line = input_.substr(0, length);
  input_.erase(0, length);
  // What answers a challenge (of AUTH or AUTHENTICATE; IDLE's DONE too) is no command.
  const bool challenged = said_.starts_with("+ ") || said_.starts_with("334 ");
  const bool begins = !in_text_ && !in_data_ && !challenged;
  in_text_ = end == std::string::npos;
  if (in_data_ && !in_text_ && trim(line) == ".") in_data_ = false;
  if (begins) {
    begin(line, now);
  } else {
    inner_->feed(line, now);
  }
  if (options_.tagged && end != std::string::npos) passing_ = announced(line);
  in_text_ = in_text_ || passing_ > 0;
  return true;
}

// A command: what is to go wrong with it.
void FaultySession::begin(std::string_view line, Steady::time_point now) {
  cut_.reset();
  truncate_.reset();
  more_size_ = 0;
  std::string_view rest = line;
  const std::string_view tag = options_.tagged ? word_at(rest) : std::string_view();
  std::string command = to_upper(word_at(rest));
  if (options_.tagged && command == "UID") command = to_upper(word_at(rest));
  if (counts_.size() < kMaxCounts) ++counts_[command];
  ++count_;
  std::optional<std::string_view> answered;
  for (const Fault& fault : options_.script) {
    if (fault.command != "*" && fault.command != command) continue;
    const uint64_t turn = fault.command == "*" ? count_ : counts_[command];
    if (turn < fault.first || turn > fault.last) continue;
    switch (fault.kind) {
      case Fault::Kind::Delay:
        due_ = now + fault.delay;
        break;
      case Fault::Kind::Cut:
        cut_ = fault.octets;
        break;
      case Fault::Kind::Truncate:
        truncate_ = fault.octets;
        break;
      case Fault::Kind::Answer:
        answered = fault.text;
        break;
      case Fault::Kind::LieSize:
        more_size_ += fault.more;
        break;
      case Fault::Kind::LieUidvalidity:
        more_uidvalidity_ += fault.more;
        break;
      case Fault::Kind::DieBefore:
        return die();
      case Fault::Kind::DieAfter:
        dies_behind_ = std::string(tag);
        break;
    }
  }
  // What follows DATA is the message's (RFC 5321, section 4.1.1.4).
  in_data_ = !options_.tagged && command == "DATA" && !answered;
  answered ? answer(tag, *answered) : inner_->feed(line, now);
}

void FaultySession::answer(std::string_view tag, std::string_view text) {
  const bool untagged = text.starts_with("* ") || text.starts_with("+ ");
  if (options_.tagged && !untagged) held_.append(tag).append(" ");
  held_.append(text).append("\r\n");
  if (istarts_with(text, "* BYE")) cut_ = held_.size();
}

std::string FaultySession::altered(std::string text) {
  if (more_size_ != 0 && options_.tagged) add_behind(text, "RFC822.SIZE ", more_size_);
  if (more_size_ != 0 && !options_.tagged) add_to_pop3_sizes(text, more_size_);
  if (more_uidvalidity_ != 0) add_behind(text, "UIDVALIDITY ", more_uidvalidity_);
  if (truncate_) {
    text.resize(static_cast<size_t>(std::min<uint64_t>(text.size(), *truncate_)));
    *truncate_ -= text.size();
  }
  if (cut_) {
    over_ = text.size() >= *cut_;
    text.resize(static_cast<size_t>(std::min<uint64_t>(text.size(), *cut_)));
    *cut_ -= text.size();
  }
  return text;
}

std::string FaultySession::take_inner(Steady::time_point now) {
  std::string out = inner_->take_output(now);
  if (out.size() >= 2) {
    const size_t end = out.rfind('\n', out.size() - 2);
    said_ = out.substr(end == out.npos ? 0 : end + 1, 4);
  }
  return out;
}

std::string FaultySession::take_output(Steady::time_point now) {
  while (!over_) {
    if (due_ && now < *due_) {
      // What it says meanwhile waits with it.
      held_ += take_inner(now);
      return {};
    }
    std::string out = std::exchange(held_, {}) + take_inner(now);
    due_.reset();
    if (!out.empty() && dies_behind_ && begins_a_line(out, *dies_behind_)) {
      die();
      break;
    }
    if (!out.empty() || cut_ == 0) return altered(std::move(out));
    if (!next_command(now)) return {};
  }
  return {};
}

}  // namespace libsync::server

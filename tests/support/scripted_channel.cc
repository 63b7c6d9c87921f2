#include "tests/support/scripted_channel.h"

#include <algorithm>

#include "libsync/base/text.h"

namespace twinbox::test {
namespace {

using libsync::Errc;
using Kind = ScriptStep::Kind;

int hex(char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; }

std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'r':
        out += '\r';
        break;
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case '0':
        out += '\0';
        break;
      case 'x':
        if (i + 2 < text.size()) out += static_cast<char>(hex(text[i + 1]) << 4 | hex(text[i + 2]));
        i += 2;
        break;
      default:
        out += text[i];
    }
  }
  return out;
}

std::optional<ScriptStep> parse_step(std::string_view line) {
  const auto rest = [&] { return line.size() > 3 ? line.substr(3) : std::string_view(); };
  if (line == "TLS") return ScriptStep{Kind::Tls};
  if (line == "DEFLATE") return ScriptStep{Kind::Deflate};
  if (line == "CLOSE") return ScriptStep{Kind::Close};
  if (line == "CUT") return ScriptStep{Kind::Cut};
  if (line.starts_with("C:")) return ScriptStep{Kind::Client, std::string(rest())};
  if (line.starts_with("C~")) return ScriptStep{Kind::Prefix, std::string(rest())};
  if (line.starts_with("C=")) return ScriptStep{Kind::Octets, unescape(rest())};
  if (line.starts_with("S:")) return ScriptStep{Kind::Server, unescape(rest()) + "\r\n"};
  if (line.starts_with("S=")) return ScriptStep{Kind::Server, unescape(rest())};
  return std::nullopt;
}

}  // namespace

std::vector<ScriptStep> parse_script(std::string_view script) {
  std::vector<ScriptStep> steps;
  while (!script.empty()) {
    const size_t end = std::min(script.find('\n'), script.size());
    std::string_view line = script.substr(0, end);
    script.remove_prefix(std::min(end + 1, script.size()));
    while (line.starts_with(' ')) line.remove_prefix(1);
    if (line.empty()) continue;
    if (auto step = parse_step(line))
      steps.push_back(std::move(*step));
    else
      steps.push_back({Kind::Octets, "(not a step: " + std::string(line) + ")"});  // can never be matched
  }
  return steps;
}

ScriptedChannel::ScriptedChannel(std::vector<ScriptStep> steps, Options options)
    : steps_(std::move(steps)), options_(std::move(options)), encrypted_(options_.tls) {}

void ScriptedChannel::send(std::string_view bytes) {
  sent_ += bytes;
  cost_.bytes_out += bytes.size();
  waiting_ = false;
}

libsync::Status ScriptedChannel::break_off(Errc code, std::string what) {
  broken_ = libsync::Error{.code = code, .what = std::move(what), .retry = code == Errc::Network};
  return libsync::fail(*broken_);
}

bool ScriptedChannel::take_client_step(const ScriptStep& step) {
  const std::string_view unmatched = std::string_view(sent_).substr(matched_);
  if (step.kind == Kind::Octets) {
    const size_t size = std::min(step.text.size(), unmatched.size());
    if (unmatched.substr(0, size) != step.text.substr(0, size)) {
      mismatch_ = "expected octets \"" + step.text + "\", got \"" + std::string(unmatched) + "\"";
      return false;
    }
    if (size < step.text.size()) return false;
    matched_ += size;
    return true;
  }
  const size_t end = unmatched.find("\r\n");
  if (end == unmatched.npos) return false;
  const std::string_view line = unmatched.substr(0, end);
  if (step.kind == Kind::Client ? line != step.text : !line.starts_with(step.text)) {
    mismatch_ = "expected \"" + step.text + "\", got \"" + std::string(line) + "\"";
    return false;
  }
  matched_ += end + 2;
  return true;
}

bool ScriptedChannel::advance() {
  while (at_ < steps_.size()) {
    const ScriptStep& step = steps_[at_];
    if (step.kind != Kind::Client && step.kind != Kind::Prefix && step.kind != Kind::Octets) break;
    if (!take_client_step(step)) break;
    ++at_;
  }
  return mismatch_.empty();
}

libsync::Result<std::string_view> ScriptedChannel::receive(libsync::Deadline, std::stop_token stop) {
  if (broken_) return libsync::fail(*broken_);
  if (stop.stop_requested()) return libsync::fail(Errc::Cancelled, "stopped");
  if (closed_) return std::string_view();
  if (!waiting_) ++cost_.round_trips;
  waiting_ = true;
  piece_.clear();
  while (piece_.empty() || (options_.piece == 0 && at_ < steps_.size() && steps_[at_].kind == Kind::Server)) {
    if (!advance()) {
      TB_TRY(break_off(Errc::Protocol, "script: " + mismatch_));
    }
    if (at_ == steps_.size() || steps_[at_].kind < Kind::Server || steps_[at_].kind == Kind::Tls ||
        steps_[at_].kind == Kind::Deflate) {
      TB_TRY(break_off(Errc::Network, "timed out waiting for " + options_.host));
    }
    if (steps_[at_].kind == Kind::Cut) {
      ++at_;
      TB_TRY(break_off(Errc::Network, "connection to " + options_.host + " lost"));
    }
    if (steps_[at_].kind == Kind::Close) {
      ++at_;
      closed_ = true;
      return std::string_view();
    }
    const std::string& text = steps_[at_].text;
    const size_t size = options_.piece == 0 ? text.size() : std::min(options_.piece, text.size() - server_at_);
    piece_ += text.substr(server_at_, size);
    server_at_ += size;
    if (server_at_ >= text.size()) {
      ++at_;
      server_at_ = 0;
    }
  }
  cost_.bytes_in += piece_.size();
  return std::string_view(piece_);
}

libsync::Status ScriptedChannel::flush(libsync::Deadline, std::stop_token) {
  if (broken_) return libsync::fail(*broken_);
  if (!advance()) return break_off(Errc::Protocol, "script: " + mismatch_);
  return {};
}

libsync::Status ScriptedChannel::start_tls(size_t surplus, libsync::Deadline, std::stop_token) {
  if (broken_) return libsync::fail(*broken_);
  advance();
  if (surplus > 0) return break_off(Errc::Protocol, "bytes behind the server's OK to TLS");
  if (at_ == steps_.size() || steps_[at_].kind != Kind::Tls) {
    mismatch_ = "start_tls() called where the script doesn't have it";
    return break_off(Errc::Tls, "script: " + mismatch_);
  }
  ++at_;
  encrypted_ = true;
  return {};
}

libsync::Status ScriptedChannel::start_deflate(std::string_view surplus) {
  if (broken_) return libsync::fail(*broken_);
  advance();
  if (at_ == steps_.size() || steps_[at_].kind != Kind::Deflate || !surplus.empty()) {
    mismatch_ = "start_deflate() called where the script doesn't have it";
    return break_off(Errc::Protocol, "script: " + mismatch_);
  }
  ++at_;
  return {};
}

}  // namespace twinbox::test

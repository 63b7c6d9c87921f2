#include "tests/support/scripted_server.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <regex>
#include <thread>

#include "libsync/base/text.h"

namespace twinbox::test {
namespace {

using Captures = std::vector<std::string>;

std::string substitute(const std::string& text, const Captures& captures) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char next = text[++i];
    if (next == '$') {
      out += '$';
    } else if (const auto n = static_cast<size_t>(next - '0'); next >= '1' && next <= '9' && n < captures.size()) {
      out += captures[n];
    } else {
      out += '$';
      out += next;
    }
  }
  return out;
}

// One connection running its script. What it read is reported as it comes, so that received() can be
// asked at any time.
class Run {
 public:
  using Record = std::function<void(const std::string&)>;
  Run(Peer& peer, Record record) : peer_(peer), record_(std::move(record)) {}

  // The first departure; empty: none.
  std::string all(const std::vector<Step>& steps) {
    for (const auto& step : steps) {
      if (auto problem = one(step); !problem.empty()) return problem;
      if (ended_) break;
    }
    return {};
  }

 private:
  std::string one(const Step& step) {
    switch (step.kind) {
      case Step::Kind::Expect:
        return expect_line(step.text);
      case Step::Kind::ExpectRaw:
        return expect_raw(step.count);
      case Step::Kind::Say:
        return send(substitute(step.text, captures_), step.piece);
      case Step::Kind::Filler:
        return fill(step);
      case Step::Kind::StartTls:
        return peer_.start_tls(step.tls) ? "" : "the TLS handshake failed";
      case Step::Kind::Pause:
        std::this_thread::sleep_for(std::chrono::milliseconds(step.count));
        return {};
      case Step::Kind::Repeat:
        for (size_t i = 0; i < step.count && !ended_; ++i) {
          if (auto problem = all(step.steps); !problem.empty()) return problem;
        }
        return {};
      default:
        end(step.kind);
        return {};
    }
  }

  void end(Step::Kind how) {
    ended_ = true;
    if (how == Step::Kind::Close) peer_.close();
    if (how == Step::Kind::CloseAbruptly) peer_.close_abruptly();
    if (how == Step::Kind::Reset) peer_.reset();
    if (how == Step::Kind::Hang) peer_.wait_for_close();
  }

  std::string expect_line(const std::string& pattern) {
    auto line = peer_.read_line();
    record_(line);
    if (!line.ends_with('\n')) return "expected \"" + pattern + "\", but the client left";
    line.erase(line.find_last_not_of("\r\n") + 1);
    std::smatch match;
    if (!std::regex_match(line, match, std::regex(pattern)))
      return "expected \"" + pattern + "\", but \"" + libsync::printable(line) + "\" came";
    captures_.assign(match.begin(), match.end());
    return {};
  }

  std::string expect_raw(size_t count) {
    const auto bytes = peer_.read_exactly(count);
    record_(bytes);
    return bytes.size() == count ? "" : "expected " + std::to_string(count) + " bytes, but the client left";
  }

  std::string send(const std::string& text, size_t piece) {
    if (piece == 0) piece = std::max<size_t>(text.size(), 1);
    for (size_t at = 0; at < text.size(); at += piece) {
      if (!peer_.write(std::string_view(text).substr(at, piece))) return "the client left while the server was sending";
    }
    return {};
  }

  std::string fill(const Step& step) {
    std::string block;
    while (block.size() < 65536) block += step.text;
    const size_t whole = block.size() / step.text.size() * step.text.size();
    for (size_t left = step.count; left > 0;) {
      const size_t now = std::min(left, whole);
      if (!peer_.write(std::string_view(block).substr(0, now))) return "the client left while the server was sending";
      left -= now;
    }
    return {};
  }

  Peer& peer_;
  Record record_;
  Captures captures_;
  bool ended_ = false;
};

}  // namespace

Step expect(std::string pattern) { return {.kind = Step::Kind::Expect, .text = std::move(pattern)}; }
Step expect_bytes(size_t count) { return {.kind = Step::Kind::ExpectRaw, .count = count}; }
Step say(std::string bytes, size_t piece) {
  return {.kind = Step::Kind::Say, .text = std::move(bytes), .piece = piece};
}
Step filler(size_t count, std::string pattern) {
  return {.kind = Step::Kind::Filler, .text = pattern.empty() ? "x" : std::move(pattern), .count = count};
}
Step start_tls(const Certificate& certificate) { return start_tls(ServerTls{.certificate = certificate}); }
Step start_tls(ServerTls tls) { return {.kind = Step::Kind::StartTls, .tls = std::move(tls)}; }
Step close() { return {.kind = Step::Kind::Close}; }
Step close_abruptly() { return {.kind = Step::Kind::CloseAbruptly}; }
Step reset() { return {.kind = Step::Kind::Reset}; }
Step hang() { return {.kind = Step::Kind::Hang}; }
Step pause(size_t milliseconds) { return {.kind = Step::Kind::Pause, .count = milliseconds}; }
Step repeat(size_t times, std::vector<Step> steps) {
  return {.kind = Step::Kind::Repeat, .count = times, .steps = std::move(steps)};
}

struct ScriptedServer::Impl {
  std::optional<ServerTls> implicit_tls;
  std::vector<Script> scripts;
  mutable std::mutex mutex;
  std::condition_variable ended;
  size_t started = 0, finished = 0;
  std::vector<std::string> received;
  std::string deviation;
  std::unique_ptr<LoopbackServer> server;  // last: its threads use the rest

  void serve(Peer& peer) {
    size_t mine = 0;
    {
      const std::scoped_lock lock(mutex);
      mine = started++;
      received.emplace_back();
    }
    std::string problem;
    if (implicit_tls && !peer.start_tls(*implicit_tls)) {
      problem = "the TLS handshake failed";
    } else if (!scripts.empty()) {
      Run run(peer, [this, mine](const std::string& bytes) {
        const std::scoped_lock lock(mutex);
        received[mine] += bytes;
      });
      problem = run.all(scripts[std::min(mine, scripts.size() - 1)]);
    }
    peer.close();
    const std::scoped_lock lock(mutex);
    if (deviation.empty()) deviation = problem;
    ++finished;
    ended.notify_all();
  }

  void start() {
    server = std::make_unique<LoopbackServer>([this](Peer& peer) { serve(peer); });
  }
};

ScriptedServer::ScriptedServer(Script script) : ScriptedServer(std::vector<Script>{std::move(script)}) {}

ScriptedServer::ScriptedServer(std::vector<Script> scripts) : impl_(std::make_unique<Impl>()) {
  impl_->scripts = std::move(scripts);
  impl_->start();
}

ScriptedServer::ScriptedServer(ServerTls implicit_tls, std::vector<Script> scripts) : impl_(std::make_unique<Impl>()) {
  impl_->implicit_tls = std::move(implicit_tls);
  impl_->scripts = std::move(scripts);
  impl_->start();
}

ScriptedServer::~ScriptedServer() { impl_->server.reset(); }

uint16_t ScriptedServer::port() const { return impl_->server->port(); }
int ScriptedServer::connections() const { return impl_->server->connections(); }

std::string ScriptedServer::deviation() {
  std::unique_lock lock(impl_->mutex);
  const bool done = impl_->ended.wait_for(lock, std::chrono::seconds(20), [this] {
    return static_cast<int>(impl_->finished) >= impl_->server->connections();
  });
  if (!impl_->deviation.empty()) return impl_->deviation;
  return done ? "" : "a connection has not ended";
}

std::vector<std::string> ScriptedServer::received() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->received;
}

}  // namespace twinbox::test

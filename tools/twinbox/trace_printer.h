// --trace: the dialogue with the servers as lines on standard error.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/base/trace.h"

#include "tools/twinbox/cli.h"

namespace twinbox {

class ProgressBoard;

// Prints "0.123 S: +OK …": seconds since this was made, who speaks (C client, S server, * what happens
// below), the text with control characters made visible (\t, \x1B) and bytes that are no UTF-8 as \xNN. Lines of
// several connections never mix; the account's name stands before each where there is more than one. Thread-safe;
// outlives what label() gave.
class TracePrinter {
 public:
  // `board`, where one is: the lines go past it, and wait while it has a question on the terminal.
  TracePrinter(Stream& stream, const libsync::Clock& clock, ProgressBoard* board = nullptr)
      : stream_(stream), clock_(clock), board_(board), start_(clock.now()) {}
  TracePrinter(const TracePrinter&) = delete;
  TracePrinter& operator=(const TracePrinter&) = delete;

  // A trace for one connection. An empty label prints none.
  std::unique_ptr<libsync::Trace> label(std::string label);

  void print(std::string_view label, libsync::TraceKind kind, std::string_view text);

 private:
  Stream& stream_;
  const libsync::Clock& clock_;
  ProgressBoard* const board_;
  libsync::Steady::time_point start_;
  std::mutex mutex_;
};

// --verbose: what was tried, for the lines below an error: every note (names looked up, addresses tried,
// certificates) and the server's last words. Thread-safe.
class TraceNotes final : public libsync::Trace {
 public:
  void line(libsync::TraceKind kind, std::string_view text) override;
  std::vector<std::string> lines() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> notes_;
  std::deque<std::string> said_;
};
inline constexpr size_t kMaxNotes = 50;  // a host has few addresses; a hostile resolver's many don't fill the screen
inline constexpr size_t kLastWords = 3;

// One line of server or client text as it may stand on a terminal; at most kMaxTraceLine bytes.
std::string visible(std::string_view text);
inline constexpr size_t kMaxTraceLine = 4096;  // a whole command fits; a hostile line does not fill the screen

}  // namespace twinbox

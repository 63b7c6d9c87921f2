// Progress on a terminal: one line an account while it runs, redrawn in place. Elsewhere it prints
// nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/clock.h"

#include "tools/twinbox/cli.h"

namespace twinbox {

struct ProgressValue {
  uint64_t done = 0, total = 0;  // messages; total 0: not known yet
  uint64_t bytes = 0;            // so far; 0: no rate is shown
  uint64_t bytes_total = 0;      // 0: the share and the time left go by messages
  std::string_view what{};       // what it is doing ("connecting"); empty while mail is carried over
};

struct ProgressRate {
  double bytes_per_second = 0;
  double seconds_left = -1;  // below 0: not known
};

// "work   ████████████▌        61 %   6,104 of 10,000   58 MB/s   1 s left", at most `columns` wide: where that is
// too much the bar goes first, then the rate, the time left and the count.
std::string progress_line(std::string_view label, size_t label_width, const ProgressValue& value,
                          const ProgressRate& rate, size_t columns);

// Lines at the bottom of the terminal. Thread-safe. While it lives, everything else that goes to the terminal
// passes through it (Context::share), so that it erases no lines but its own.
class ProgressBoard {
 public:
  // `enabled` false (--quiet, --json, no terminal): no lines, but print(), aside() and pause() all the same.
  ProgressBoard(Stream& stream, const libsync::Clock& clock, bool enabled)
      : stream_(stream), clock_(clock), enabled_(enabled && stream.terminal) {}
  ProgressBoard(const ProgressBoard&) = delete;
  ProgressBoard& operator=(const ProgressBoard&) = delete;
  ~ProgressBoard();

  size_t add(std::string label);                         // a line; its number
  void update(size_t line, const ProgressValue& value);  // redraws ten times a second, and for another `what`
  void remove(size_t line);                              // its text vanishes
  void print(std::string_view text);                     // a permanent line above
  // Runs `write`, which puts whole lines on the terminal, while no line of the board is up. During a pause
  // it runs at the pause's end, on that thread.
  void aside(std::function<void()> write);
  // Between these the terminal belongs to a question: no line is drawn, nothing is written.
  void pause();
  void resume();

 private:
  struct Sample {
    libsync::Steady::time_point at;
    uint64_t done, bytes;
  };
  struct Line {
    std::string label;
    std::string what;
    ProgressValue value;
    bool gone = false;
    std::deque<Sample> samples;
  };
  ProgressRate rate_of(const Line& line) const;
  void draw(bool force);
  std::string erase_text();
  void erase();

  Stream& stream_;
  const libsync::Clock& clock_;
  const bool enabled_;
  std::mutex mutex_;
  std::vector<Line> lines_;
  std::vector<size_t> drawn_;  // the lines on the screen: the width of each
  bool paused_ = false;
  std::vector<std::function<void()>> waiting_;  // for the end of the pause
  libsync::Steady::time_point last_draw_{};
};

}  // namespace twinbox

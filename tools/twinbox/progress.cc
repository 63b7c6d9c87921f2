#include "tools/twinbox/progress.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tools/twinbox/output.h"

namespace twinbox {

using namespace std::chrono_literals;
using libsync::say;

namespace {

constexpr auto kRedraw = 100ms;   // ten times a second looks steady and costs nothing
constexpr auto kWindow = 5s;      // the rate follows a change within seconds and does not jump
constexpr auto kTrusted = 500ms;  // before, a rate or a time left would be a guess
constexpr size_t kBarWidth = 20;

std::string bar(double share) {
  static constexpr std::array<std::string_view, 8> kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths = static_cast<size_t>(std::clamp(share, 0.0, 1.0) * kBarWidth * 8);
  std::string out;
  for (size_t i = 0; i < eighths / 8; ++i) out += "█";
  out += kEighths[eighths % 8];
  return pad(out, kBarWidth);
}

double share_of(const ProgressValue& value) {
  if (value.bytes_total > 0) return static_cast<double>(value.bytes) / static_cast<double>(value.bytes_total);
  return static_cast<double>(value.done) / static_cast<double>(std::max<uint64_t>(1, value.total));
}

std::string rate_text(const ProgressRate& rate) {
  if (rate.bytes_per_second <= 0) return {};
  return fmt::format("{}/s", libsync::human_size(static_cast<uint64_t>(rate.bytes_per_second)));
}

std::string left_text(const ProgressRate& rate) {
  if (rate.seconds_left < 0) return {};
  const auto left = std::chrono::milliseconds(static_cast<int64_t>(std::ceil(std::min(rate.seconds_left, 1e8))) * 1000);
  return left < 10s ? say("{} s left", left.count() / 1000) : say("{} left", libsync::human_duration(left));
}

}  // namespace

std::string progress_line(std::string_view label, size_t label_width, const ProgressValue& value,
                          const ProgressRate& rate, size_t columns) {
  std::string out = pad(label, label_width) + "   ";
  if (value.total == 0) return libsync::fit_width(out + std::string(value.what), columns);
  if (!value.what.empty()) out += std::string(value.what) + "  ";
  const double share = std::clamp(share_of(value), 0.0, 1.0);
  const auto width = [&](const std::string& text) {
    return libsync::display_width(out) + libsync::display_width(text);
  };
  const std::string percent = fmt::format("{:3} %", static_cast<int>(std::floor(share * 100)));
  std::array<std::string, 3> more = {
      say("{} of {}", libsync::with_separators(value.done), libsync::with_separators(value.total)), rate_text(rate),
      left_text(rate)};
  const auto tail = [&] {
    std::string text = percent;
    for (const auto& piece : more) text += piece.empty() ? "" : "   " + piece;
    return text;
  };
  for (const size_t piece : {1U, 2U, 0U}) {
    if (width(tail()) > columns) more.at(piece).clear();
  }
  if (width(tail()) + kBarWidth + 3 <= columns) out += bar(share) + " ";
  return libsync::fit_width(out + tail(), columns);
}

ProgressBoard::~ProgressBoard() {
  resume();
  const std::lock_guard lock(mutex_);
  erase();
}

size_t ProgressBoard::add(std::string label) {
  const std::lock_guard lock(mutex_);
  Line line;
  line.label = std::move(label);
  lines_.push_back(std::move(line));
  return lines_.size() - 1;
}

void ProgressBoard::update(size_t number, const ProgressValue& value) {
  if (!enabled_) return;
  const std::lock_guard lock(mutex_);
  Line& line = lines_.at(number);
  // Another thing that it does has another pace.
  const bool another = line.what != value.what;
  if (another || value.done < line.value.done) line.samples.clear();
  line.what = std::string(value.what);
  line.value = value;
  const auto now = clock_.now();
  if (line.samples.empty() || now - line.samples.back().at >= kRedraw) {
    line.samples.push_back({now, value.done, value.bytes});
    while (now - line.samples.front().at > kWindow) line.samples.pop_front();
  }
  draw(another);
}

void ProgressBoard::remove(size_t number) {
  if (!enabled_) return;
  const std::lock_guard lock(mutex_);
  lines_.at(number).gone = true;
  draw(true);
}

void ProgressBoard::print(std::string_view text) {
  aside([this, line = std::string(text) + "\n"] { stream_.write(line); });
}

void ProgressBoard::aside(std::function<void()> write) {
  const std::lock_guard lock(mutex_);
  if (paused_) {
    waiting_.push_back(std::move(write));
    return;
  }
  erase();
  write();
  draw(true);
}

void ProgressBoard::pause() {
  const std::lock_guard lock(mutex_);
  erase();
  paused_ = true;
}

void ProgressBoard::resume() {
  const std::lock_guard lock(mutex_);
  if (!paused_) return;
  paused_ = false;
  for (const auto& write : std::exchange(waiting_, {})) write();
  draw(true);
}

ProgressRate ProgressBoard::rate_of(const Line& line) const {
  ProgressRate rate;
  if (line.samples.size() < 2) return rate;
  const Sample& first = line.samples.front();
  const auto elapsed = clock_.now() - first.at;
  if (elapsed < kTrusted) return rate;
  const double seconds = std::chrono::duration<double>(elapsed).count();
  const auto grown = [](uint64_t now, uint64_t before) {
    return now > before ? static_cast<double>(now - before) : 0.0;
  };
  const ProgressValue& v = line.value;
  rate.bytes_per_second = grown(v.bytes, first.bytes) / seconds;
  const double speed = v.bytes_total > 0 ? rate.bytes_per_second : grown(v.done, first.done) / seconds;
  const double left = v.bytes_total > 0 ? grown(v.bytes_total, v.bytes) : grown(v.total, v.done);
  if (speed > 0) rate.seconds_left = left / speed;
  return rate;
}

// Empties the row of the cursor, where what was typed meanwhile (^C) stands, and the board's above it. A window that
// has become narrower since has broken the lines that no longer fit. (Not "all from here on", which a terminal may take
// for a clearing of the screen and keep in its history.)
std::string ProgressBoard::erase_text() {
  size_t rows = 0;
  for (const size_t width : drawn_) rows += std::max<size_t>(1, (width + stream_.columns - 1) / stream_.columns);
  drawn_.clear();
  if (rows == 0) return {};
  std::string out = "\r\x1B[2K";
  for (; rows > 0; --rows) out += "\x1B[1A\x1B[2K";
  return out;
}

void ProgressBoard::erase() {
  if (drawn_.empty()) return;
  if (stream_.measure) stream_.measure(stream_);
  stream_.write(erase_text());
}

void ProgressBoard::draw(bool force) {
  if (!enabled_ || paused_) return;
  const auto now = clock_.now();
  if (!force && now - last_draw_ < kRedraw) return;
  last_draw_ = now;
  size_t label_width = 0;
  for (const Line& line : lines_) label_width = std::max(label_width, libsync::display_width(line.label));
  if (stream_.measure) stream_.measure(stream_);
  std::string out = erase_text();
  for (const Line& line : lines_) {
    if (line.gone || line.samples.empty()) continue;
    if (drawn_.size() + 1 >= stream_.rows) break;  // what scrolls out of the window can't be erased
    ProgressValue value = line.value;
    value.what = line.what;
    const std::string text = progress_line(line.label, label_width, value, rate_of(line), stream_.columns - 1);
    drawn_.push_back(libsync::display_width(text));
    out += text + "\n";
  }
  if (!out.empty()) stream_.write(out);
}

}  // namespace twinbox

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

}  // namespace

std::string progress_line(std::string_view label, size_t label_width, const ProgressValue& value,
                          const ProgressRate& rate, size_t columns) {
  std::string out = pad(label, label_width) + "   ";
  if (value.total == 0) return libsync::fit_width(out + std::string(value.what), columns);
  if (!value.what.empty()) out += std::string(value.what) + "  ";
  const double share = std::clamp(share_of(value), 0.0, 1.0);
  std::string tail = fmt::format("{:3} %   ", static_cast<int>(std::floor(share * 100))) +
                     say("{} of {}", libsync::with_separators(value.done), libsync::with_separators(value.total));
  if (rate.bytes_per_second > 0)
    tail += fmt::format("   {}/s", libsync::human_size(static_cast<uint64_t>(rate.bytes_per_second)));
  if (rate.seconds_left >= 0) {
    const auto left =
        std::chrono::milliseconds(static_cast<int64_t>(std::ceil(std::min(rate.seconds_left, 1e8))) * 1000);
    tail +=
        "   " + (left < 10s ? say("{} s left", left.count() / 1000) : say("{} left", libsync::human_duration(left)));
  }
  if (libsync::display_width(out) + kBarWidth + 3 + libsync::display_width(tail) <= columns) out += bar(share) + " ";
  return libsync::fit_width(out + tail, columns);
}

ProgressBoard::~ProgressBoard() {
  resume();
  const std::lock_guard lock(mutex_);
  if (drawn_ > 0) stream_.write(erase_text());
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
  line.what = std::string(value.what);
  line.value = value;
  const auto now = clock_.now();
  if (line.samples.empty() || now - line.samples.back().at >= kRedraw) {
    line.samples.push_back({now, value.done, value.bytes});
    while (now - line.samples.front().at > kWindow) line.samples.pop_front();
  }
  draw(false);
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
  if (drawn_ > 0) stream_.write(erase_text());
  write();
  draw(true);
}

void ProgressBoard::pause() {
  const std::lock_guard lock(mutex_);
  if (drawn_ > 0) stream_.write(erase_text());
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

std::string ProgressBoard::erase_text() {
  std::string out;
  for (; drawn_ > 0; --drawn_) out += "\x1B[1A\x1B[2K";  // one line up, and empty it
  return out;
}

void ProgressBoard::draw(bool force) {
  if (!enabled_ || paused_) return;
  const auto now = clock_.now();
  if (!force && now - last_draw_ < kRedraw) return;
  last_draw_ = now;
  size_t label_width = 0;
  for (const Line& line : lines_) label_width = std::max(label_width, libsync::display_width(line.label));
  std::string out = erase_text();
  for (const Line& line : lines_) {
    if (line.gone || line.samples.empty()) continue;
    ProgressValue value = line.value;
    value.what = line.what;
    out += progress_line(line.label, label_width, value, rate_of(line), stream_.columns - 1) + "\n";
    ++drawn_;
  }
  if (!out.empty()) stream_.write(out);
}

}  // namespace twinbox

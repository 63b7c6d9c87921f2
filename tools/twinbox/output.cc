#include "tools/twinbox/output.h"

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tools/twinbox/progress.h"

namespace twinbox {

using libsync::display_width;
using libsync::Errc;
using libsync::fit_width;
using libsync::say;
using libsync::word;

namespace {

constexpr size_t kBuffer = 64 * 1024;
constexpr size_t kGap = 2;
constexpr size_t kNarrow = 16;    // a flexible column keeps at least this while others can be left out
constexpr size_t kNarrowest = 8;  // and this always

std::vector<size_t> natural_widths(const std::vector<Column>& columns,
                                   const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns.size(); ++c) {
    size_t width = display_width(columns[c].title);
    for (const auto& row : rows) {
      if (c < row.size()) width = std::max(width, display_width(row[c]));
    }
    widths.push_back(width);
  }
  return widths;
}

constexpr size_t kDropped = SIZE_MAX;  // the width of a column that is left out

size_t total_of(const std::vector<size_t>& widths) {
  size_t total = 0;
  for (const size_t width : widths) total += width == kDropped ? 0 : width + kGap;
  return total < kGap ? 0 : total - kGap;
}

// Takes from the widest flexible column until the line fits, or each is down to `floor`.
void shrink_flexible(std::vector<size_t>& widths, const std::vector<Column>& columns, size_t available, size_t floor) {
  size_t total = total_of(widths);
  while (total > available) {
    size_t widest = columns.size();
    for (size_t c = 0; c < columns.size(); ++c) {
      const bool gives = columns[c].flexible && widths[c] != kDropped && widths[c] > floor;
      if (gives && (widest == columns.size() || widths[c] > widths[widest])) {
        widest = c;
      }
    }
    if (widest == columns.size()) return;
    --widths[widest];
    --total;
  }
}

void shrink(std::vector<size_t>& widths, const std::vector<Column>& columns, size_t available) {
  const std::vector<size_t> natural = widths;
  int last = 0;
  for (const Column& column : columns) last = std::max(last, column.drop);
  shrink_flexible(widths, columns, available, kNarrow);
  for (int drop = 1; drop <= last && total_of(widths) > available; ++drop) {
    const std::vector<size_t> before = std::exchange(widths, natural);
    for (size_t c = 0; c < columns.size(); ++c) {
      if (before[c] == kDropped || columns[c].drop == drop) widths[c] = kDropped;
    }
    shrink_flexible(widths, columns, available, kNarrow);
  }
  shrink_flexible(widths, columns, available, kNarrowest);
}

std::tm local_time(int64_t unix_seconds) {
  const std::time_t t = unix_seconds;
  std::tm out{};
  ::localtime_r(&t, &out);
  return out;
}

}  // namespace

void Output::text(std::string_view bytes) {
  if (closed()) return;
  if (buffer_.size() + bytes.size() > kBuffer) flush();
  if (bytes.size() > kBuffer) {
    write(bytes);
    return;
  }
  buffer_ += bytes;
}

void Output::line(std::string_view bytes) {
  text(bytes);
  text("\n");
}

void Output::flush() {
  if (!buffer_.empty()) write(buffer_);
  buffer_.clear();
}

void Output::write(std::string_view bytes) {
  if (closed()) return;
  if (board_ == nullptr || !stream_.terminal) {
    failure_ = stream_.write(bytes).value();
  } else {
    board_->aside([this, text = std::string(bytes)] { failure_ = stream_.write(text).value(); });
  }
}

libsync::Status Output::status() const {
  const std::error_code failure(failure_, std::generic_category());
  if (!failure || failure == std::errc::broken_pipe) return {};
  return libsync::fail(Errc::Disk, say("standard output: {}", failure.message()));
}

std::string pad(std::string_view text, size_t width, bool right) {
  const size_t have = display_width(text);
  const std::string spaces(width > have ? width - have : 0, ' ');
  return right ? spaces + std::string(text) : std::string(text) + spaces;
}

void print_table(Output& out, const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows) {
  auto widths = natural_widths(columns, rows);
  if (out.terminal()) shrink(widths, columns, out.columns());
  const auto print = [&](const auto& cell) {
    std::string line;
    for (size_t c = 0; c < columns.size(); ++c) {
      if (widths[c] == kDropped) continue;
      if (!line.empty()) line += std::string(kGap, ' ');
      line += pad(fit_width(cell(c), widths[c]), widths[c], columns[c].right);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out.line(out.terminal() ? fit_width(line, out.columns()) : line);
  };
  if (std::ranges::any_of(columns, [](const Column& c) { return !c.title.empty(); })) {
    print([&](size_t c) -> std::string_view { return columns[c].title; });
  }
  for (const auto& row : rows) {
    print([&](size_t c) -> std::string_view { return c < row.size() ? std::string_view(row[c]) : std::string_view(); });
  }
}

std::string error_text(const libsync::Error& error) {
  std::string out = "twinbox: " + error.what;
  if (!error.server.empty()) out += ": \"" + error.server + "\"";
  // One line each, whatever a message was made of.
  std::ranges::replace(out, '\n', ' ');
  out += "\n";
  if (!error.hint.empty()) {
    std::string hint = error.hint;
    std::ranges::replace(hint, '\n', ' ');
    out += "         " + hint + "\n";
  }
  return out;
}

std::string_view errc_name(Errc code) {
  switch (code) {
    case Errc::Usage:
      return "usage";
    case Errc::Config:
      return "config";
    case Errc::NotFound:
      return "not-found";
    case Errc::Auth:
      return "auth";
    case Errc::Tls:
      return "tls";
    case Errc::Network:
      return "network";
    case Errc::Protocol:
      return "protocol";
    case Errc::Limit:
      return "limit";
    case Errc::Refused:
      return "refused";
    case Errc::Disk:
      return "disk";
    case Errc::Busy:
      return "busy";
    case Errc::Newer:
      return "newer";
    case Errc::Corrupt:
      return "corrupt";
    case Errc::Fuse:
      return "fuse";
    case Errc::Cancelled:
      return "cancelled";
    case Errc::Internal:
      return "internal";
  }
  return "internal";
}

Json error_body(const libsync::Error& error) {
  JsonObject body = {{"code", errc_name(error.code)}, {"what", error.what}};
  if (!error.server.empty()) body.emplace_back("server", error.server);
  if (!error.hint.empty()) body.emplace_back("hint", error.hint);
  body.emplace_back("retry", error.retry);
  if (error.retry_after.count() > 0) body.emplace_back("retry_after", static_cast<int64_t>(error.retry_after.count()));
  return body;
}

Json error_json(const libsync::Error& error) { return JsonObject{{"error", error_body(error)}}; }

std::string counted(uint64_t count, std::string_view one, std::string_view many) {
  return libsync::with_separators(count) + " " + std::string(word(count == 1 ? one : many));
}

std::string short_time(int64_t unix_seconds, int64_t now) {
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::tm then = local_time(unix_seconds);
  const std::tm today = local_time(now);
  if (then.tm_year == today.tm_year && then.tm_yday == today.tm_yday) {
    return fmt::format("{:02}:{:02}", then.tm_hour, then.tm_min);
  }
  if (then.tm_year == today.tm_year) {
    return fmt::format("{} {} {:02}:{:02}", then.tm_mday, word(kMonths[then.tm_mon]), then.tm_hour, then.tm_min);
  }
  return fmt::format("{:04}-{:02}-{:02}", then.tm_year + 1900, then.tm_mon + 1, then.tm_mday);
}

std::string relative_time(int64_t unix_seconds, int64_t now) {
  const int64_t seconds = now - unix_seconds;
  if (seconds > -5 && seconds < 5) return std::string(word("now"));
  const std::chrono::milliseconds distance = std::chrono::seconds(seconds < 0 ? -seconds : seconds);
  // Below ten seconds a fraction would claim more than is known.
  const std::string text =
      distance.count() < 10'000 ? say("{} s", distance.count() / 1000) : libsync::human_duration(distance);
  return seconds > 0 ? say("{} ago", text) : say("in {}", text);
}

}  // namespace twinbox

#include "tools/twinbox/message_table.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace twinbox {

using libsync::display_width;
using libsync::fit_width;
using libsync::printable;
using libsync::word;

namespace {

constexpr size_t kBlock = 256;  // rows that set the widths together
constexpr size_t kSender = 24;  // columns for a name
constexpr size_t kShortSender = 12, kShortestSender = 8;
constexpr size_t kLeastSubject = 16, kShortestSubject = 8;
constexpr size_t kGap = 2;
constexpr std::string_view kIndent = "    ";
constexpr size_t kUnlimited = SIZE_MAX;

// "22 Nov" of "22 Nov 18:04"; other dates are as short as they can be.
std::string day_of(const std::string& date) {
  const size_t time = date.rfind(' ');
  return time == date.npos || date.find(':', time) == date.npos ? date : date.substr(0, time);
}

}  // namespace

std::string flag_marks(const libsync::sync::Flags& flags) {
  namespace sync = libsync::sync;
  std::string out = (flags.system & sync::kSeen) != 0 ? " " : "•";
  out += (flags.system & sync::kFlagged) != 0 ? "★" : " ";
  out += (flags.system & sync::kAnswered) != 0 ? "↩" : " ";
  return out;
}

std::string short_sender(const std::string& from) {
  const size_t angle = from.find('<');
  std::string_view name = libsync::trim(std::string_view(from).substr(0, std::min(angle, from.find(','))));
  if (angle == 0) name = std::string_view(from).substr(1, from.find('>') - 1);
  if (name.size() > 1 && name.front() == '"' && name.back() == '"') name = name.substr(1, name.size() - 2);
  return printable(name, 200);
}

MessageTable::MessageTable(Output& out, int64_t now, Show show) : out_(out), now_(now), show_(show) {}

size_t MessageTable::below_columns(const Output& out) {
  if (!out.terminal()) return kUnlimited;
  return out.columns() > kIndent.size() + kLeastSubject ? out.columns() - kIndent.size() : kLeastSubject;
}

void MessageTable::add(const libsync::store::MessageInfo& message, const std::string& account,
                       const std::string& folder, std::string below) {
  rows_.push_back({account, std::to_string(message.id), short_time(message.internaldate, now_),
                   flag_marks(message.flags), fit_width(printable(folder, 200), kSender),
                   fit_width(short_sender(message.envelope.from), kSender), libsync::human_size(message.size),
                   printable(message.envelope.subject, 1000)});
  below_.push_back(std::move(below));
  if (rows_.size() >= kBlock) flush();
}

void MessageTable::finish() { flush(); }

// On a narrow terminal the size goes first, then the folder, then most of the sender and the time of day: what
// a message is about and the id that opens it stay.
MessageTable::Widths MessageTable::layout() const {
  Widths widths = natural_;
  if (!show_.account) widths[kAccount] = 0;
  if (!show_.folder) widths[kFolder] = 0;
  widths[kSubject] = kUnlimited;
  if (!out_.terminal()) return widths;
  const auto before_subject = [&] {
    size_t sum = 0;
    for (size_t c = 0; c < kSubject; ++c) sum += widths[c] == 0 ? 0 : widths[c] + kGap;
    return sum;
  };
  const auto at_most = [&](Cell cell, size_t most) { widths[cell] = std::min(widths[cell], most); };
  for (int step = 0; step < 7; ++step) {
    if (before_subject() + (step < 5 ? kLeastSubject : kShortestSubject) <= out_.columns()) break;
    if (step == 0) at_most(kSize, 0);
    if (step == 1) at_most(kFolder, 0);
    if (step == 2) at_most(kFrom, kShortSender);
    if (step == 3) at_most(kDate, widest_day_);
    if (step == 4) {
      at_most(kFrom, kShortestSender);
      at_most(kAccount, kShortestSender);
    }
    if (step == 5) at_most(kFlags, 0);
    if (step == 6) at_most(kFrom, 0);
  }
  const size_t before = before_subject();
  widths[kSubject] = out_.columns() > before ? out_.columns() - before : 1;
  return widths;
}

void MessageTable::print(const Row& row, const Widths& widths) {
  std::string line;
  for (size_t c = 0; c < kSubject; ++c) {
    if (widths[c] == 0) continue;
    const bool shortened = c == kDate && display_width(row[c]) > widths[c];
    const std::string cell = shortened ? day_of(row[c]) : row[c];
    line += pad(fit_width(cell, widths[c]), widths[c], c == kSize || c == kId) + std::string(kGap, ' ');
  }
  line += fit_width(row[kSubject], widths[kSubject]);
  line.erase(line.find_last_not_of(' ') + 1);
  out_.line(out_.terminal() ? fit_width(line, out_.columns()) : line);
}

void MessageTable::flush() {
  if (rows_.empty()) return;
  const Row heads = {
      std::string(word("account")), std::string(word("id")),   std::string(word("date")), "",
      std::string(word("folder")),  std::string(word("from")), std::string(word("size")), std::string(word("subject"))};
  const auto measure = [&](const Row& row) {
    for (size_t c = 0; c < kSubject; ++c) natural_[c] = std::max(natural_[c], display_width(row[c]));
    widest_day_ = std::max(widest_day_, display_width(day_of(row[kDate])));
  };
  measure(heads);
  for (const Row& row : rows_) measure(row);
  const Widths widths = layout();
  if (!headed_) print(heads, widths);
  headed_ = true;
  for (size_t r = 0; r < rows_.size() && !out_.closed(); ++r) {
    print(rows_[r], widths);
    if (!below_[r].empty()) out_.line(std::string(kIndent) + below_[r]);
  }
  rows_.clear();
  below_.clear();
}

}  // namespace twinbox

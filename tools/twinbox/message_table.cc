#include "tools/twinbox/message_table.h"

#include <algorithm>

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
constexpr size_t kLeastSubject = 16;

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

void MessageTable::add(const libsync::store::MessageInfo& message, const std::string& account,
                       const std::string& folder, std::string below) {
  std::vector<std::string> row;
  if (show_.account) row.push_back(account);
  row.push_back(std::to_string(message.id));
  row.push_back(short_time(message.internaldate, now_));
  row.push_back(flag_marks(message.flags));
  if (show_.folder) row.push_back(fit_width(printable(folder, 200), kSender));
  row.push_back(fit_width(short_sender(message.envelope.from), kSender));
  row.push_back(libsync::human_size(message.size));
  row.push_back(printable(message.envelope.subject, 1000));
  rows_.push_back(std::move(row));
  below_.push_back(std::move(below));
  if (rows_.size() >= kBlock) flush();
}

void MessageTable::finish() { flush(); }

void MessageTable::flush() {
  if (rows_.empty()) return;
  const size_t last = rows_.front().size() - 1;
  const size_t size_column = last - 1;
  const size_t id_column = show_.account ? 1 : 0;
  widths_.resize(last, 0);
  std::vector<std::string> heads;
  if (show_.account) heads.emplace_back(word("account"));
  heads.insert(heads.end(), {std::string(word("id")), std::string(word("date")), ""});
  if (show_.folder) heads.emplace_back(word("folder"));
  heads.insert(heads.end(), {std::string(word("from")), std::string(word("size")), std::string(word("subject"))});
  for (size_t c = 0; c < last; ++c) {
    widths_[c] = std::max(widths_[c], display_width(heads[c]));
    for (const auto& row : rows_) widths_[c] = std::max(widths_[c], display_width(row[c]));
  }
  size_t left = 0;
  for (const size_t width : widths_) left += width + 2;
  const size_t subject = out_.columns() > left + kLeastSubject ? out_.columns() - left : kLeastSubject;
  const auto print = [&](const std::vector<std::string>& row) {
    std::string line;
    for (size_t c = 0; c < last; ++c) line += pad(row[c], widths_[c], c == size_column || c == id_column) + "  ";
    line += out_.terminal() ? fit_width(row[last], subject) : row[last];
    line.erase(line.find_last_not_of(' ') + 1);
    out_.line(line);
  };
  if (!headed_) print(heads);
  headed_ = true;
  for (size_t r = 0; r < rows_.size() && !out_.closed(); ++r) {
    print(rows_[r]);
    if (!below_[r].empty()) out_.line("    " + below_[r]);
  }
  rows_.clear();
  below_.clear();
}

}  // namespace twinbox

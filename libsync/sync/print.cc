#include "libsync/sync/print.h"

#include <algorithm>

namespace libsync::sync {

size_t header_size(std::string_view message) {
  size_t line = 0;
  while (line < message.size()) {
    const size_t end = message.find('\n', line);
    if (end == message.npos) return message.size();
    const std::string_view text = message.substr(line, end - line);
    if (text.empty() || text == "\r") return end + 1;
    line = end + 1;
  }
  return message.size();
}

Id print_of(std::string_view header, uint64_t size) {
  header = header.substr(0, kMaxPrintHeader);
  std::string lines;  // hashed at once: a call for each line would cost more than the hash
  lines.reserve(header.size() + 20);
  while (!header.empty()) {
    const size_t end = header.find('\n');
    std::string_view line = header.substr(0, end);
    header.remove_prefix(end == header.npos ? header.size() : end + 1);
    const size_t last = line.find_last_not_of(" \t\r");
    line = line.substr(0, last == line.npos ? 0 : last + 1);
    if (line.empty()) continue;
    lines += line;
    lines += '\n';
  }
  lines += std::to_string(size);
  return to_hex(sha256(lines)).substr(0, 32);
}

Id print_of_message(std::string_view message, uint64_t announced) {
  const std::string_view header = message.substr(0, header_size(message.substr(0, kMaxPrintHeader)));
  return print_of(header, announced != 0 ? announced : message.size());
}

void PrintBuilder::update(std::string_view bytes) {
  size_ += bytes.size();
  if (header_.size() < kMaxPrintHeader) header_ += bytes.substr(0, kMaxPrintHeader - header_.size());
}

}  // namespace libsync::sync

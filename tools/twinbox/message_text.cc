#include "tools/twinbox/message_text.h"

#include "libsync/base/text.h"

namespace twinbox {
namespace {

void append_printable(std::string_view text, std::string& out) {
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\t', begin), text.size());
    // printable() makes at most three bytes of one.
    out += libsync::printable(text.substr(begin, end - begin), (end - begin) * 3 + 1);
    if (end < text.size()) out += '\t';
    begin = end + 1;
  }
}

}  // namespace

std::string printable_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    append_printable(line, out);
    if (end < text.size()) out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string harmless(std::string_view octets) { return printable_lines(octets); }

}  // namespace twinbox

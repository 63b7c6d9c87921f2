#include "libsync/server/dot_stuffer.h"

namespace libsync::server {

void DotStuffer::feed(std::string_view octets, std::string& out) {
  while (!octets.empty()) {
    if (last_ == '\n' && octets.front() == '.') out += '.';
    const size_t lf = octets.find('\n');
    const std::string_view line = octets.substr(0, lf == octets.npos ? lf : lf + 1);
    out += line;
    before_last_ = line.size() > 1 ? line[line.size() - 2] : last_;
    last_ = line.back();
    octets.remove_prefix(line.size());
  }
}

void DotStuffer::end(std::string& out) const {
  if (last_ != '\n' || before_last_ != '\r') out += "\r\n";
  out += ".\r\n";
}

}  // namespace libsync::server

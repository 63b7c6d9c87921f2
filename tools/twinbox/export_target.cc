#include "tools/twinbox/export_target.h"

#include "libsync/base/digest.h"
#include "libsync/mime/filename.h"

namespace twinbox {

std::string safe_component(std::string_view component, std::string_view also_unsafe) {
  std::string name = libsync::mime::safe_filename(component, "folder", 120);
  for (char& c : name) {
    if (also_unsafe.contains(c)) c = '_';
  }
  if (name == component) return name;
  return name + "~" + libsync::to_hex(libsync::sha256(component)).substr(0, 8);
}

void LineEnds::convert(std::string_view in, std::string& out) {
  if (held_ && !in.empty()) {
    if (in.front() != '\n') out += '\r';
    held_ = false;
  }
  while (!in.empty()) {
    const size_t cr = in.find('\r');
    out += in.substr(0, cr);
    if (cr == in.npos) return;
    if (cr + 1 == in.size()) {
      held_ = true;
      return;
    }
    if (in[cr + 1] != '\n') out += '\r';
    in.remove_prefix(cr + 1);
  }
}

void LineEnds::finish(std::string& out) {
  if (held_) out += '\r';
  held_ = false;
}

}  // namespace twinbox

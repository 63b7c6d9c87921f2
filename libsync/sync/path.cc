#include "libsync/sync/path.h"

#include <algorithm>
#include <charconv>

#include "libsync/base/text.h"

namespace libsync::sync {
namespace {

constexpr char kHex[] = "0123456789ABCDEF";

void encode_component(std::string_view component, std::string& out) {
  for (const char c : component) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '/' || c == '%' || byte < 0x20 || byte == 0x7F) {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
}

std::string decode_component(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, value, 16).ptr == text.data() + i + 3) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::string encode_path(const Path& path) {
  std::string out;
  for (size_t i = 0; i < path.size(); ++i) {
    if (i > 0) out += '/';
    encode_component(path[i], out);
  }
  return out;
}

Path decode_path(std::string_view text) {
  Path path;
  while (true) {
    const size_t slash = text.find('/');
    path.push_back(decode_component(text.substr(0, slash)));
    if (slash == text.npos) return path;
    text.remove_prefix(slash + 1);
  }
}

bool is_inbox(const Path& path) { return path.size() == 1 && iequals(path[0], "INBOX"); }

bool has_prefix(const Path& path, const Path& prefix) {
  return path.size() > prefix.size() && std::equal(prefix.begin(), prefix.end(), path.begin());
}

Path moved_along(const Path& path, const Path& from, const Path& to) {
  Path moved = to;
  moved.insert(moved.end(), path.begin() + static_cast<std::ptrdiff_t>(from.size()), path.end());
  return moved;
}

bool is_plain(const Path& path) {
  return !path.empty() && std::ranges::all_of(path, [](const std::string& component) {
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    return !component.empty() && is_valid_utf8(component) && std::ranges::none_of(component, control);
  });
}

}  // namespace libsync::sync

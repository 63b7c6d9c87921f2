#include "libsync/sync/path.h"

#include <charconv>

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

}  // namespace libsync::sync

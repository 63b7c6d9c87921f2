#include "libsync/mime/filename.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "libsync/base/text.h"
#include "libsync/mime/charset.h"

namespace libsync::mime {
namespace {

constexpr size_t kMaxExtension = 16;

constexpr std::array<std::string_view, 6> kReserved = {"con", "prn", "aux", "nul", "conin$", "conout$"};

bool is_reserved(std::string_view name) {
  std::string_view stem = name.substr(0, name.find('.'));
  while (stem.ends_with(' ')) stem.remove_suffix(1);
  for (const std::string_view reserved : kReserved) {
    if (iequals(stem, reserved)) return true;
  }
  const bool numbered = stem.size() == 4 && stem[3] >= '0' && stem[3] <= '9';
  return numbered && (istarts_with(stem, "com") || istarts_with(stem, "lpt"));
}

// The characters that no file system or shell should meet become '_'; what is invisible goes.
std::string clean(std::string_view name) {
  std::string valid;
  append_valid_utf8(name, valid);
  std::string out;
  for (size_t at = 0; at < valid.size();) {
    size_t length = 1;
    while (at + length < valid.size() && (static_cast<uint8_t>(valid[at + length]) & 0xC0) == 0x80) ++length;
    const std::string_view character = std::string_view(valid).substr(at, length);
    at += length;
    const bool separator = length == 1 && std::string_view("/\\:*?\"<>|").find(character[0]) != std::string_view::npos;
    if (separator) {
      out += '_';
    } else if (character == "\t" || character == "\n" || character == "\r" || character == "\xC2\xA0") {
      out += ' ';
    } else if (printable(character) == character) {  // no controls, no bidirectional overrides
      out += character;
    }
  }
  return out;
}

void cut(std::string& text, size_t bytes) {
  if (text.size() <= bytes) return;
  while (bytes > 0 && (static_cast<uint8_t>(text[bytes]) & 0xC0) == 0x80) --bytes;
  text.resize(bytes);
}

void shorten(std::string& name, size_t max_bytes) {
  if (name.size() <= max_bytes) return;
  std::string extension;
  if (const size_t dot = name.rfind('.');
      dot != name.npos && name.size() - dot <= std::min(kMaxExtension, max_bytes / 2)) {
    extension = name.substr(dot);
  }
  cut(name, max_bytes - extension.size());
  name += extension;
}

}  // namespace

std::string safe_filename(std::string_view name, std::string_view fallback, size_t max_bytes) {
  constexpr size_t kMaxInput = 16 << 10;  // what no file system would take is not looked at
  std::string out = clean(name.substr(0, kMaxInput));
  const size_t first = out.find_first_not_of(". ");
  out.erase(0, std::min(first, out.size()));
  if (is_reserved(out)) out.insert(0, "_");
  shorten(out, max_bytes);
  while (out.ends_with('.') || out.ends_with(' ')) out.pop_back();
  if (out.empty() || out.find_first_not_of('_') == out.npos) return std::string(fallback);
  return out;
}

}  // namespace libsync::mime

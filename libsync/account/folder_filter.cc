#include "libsync/account/folder_filter.h"

#include <algorithm>
#include <vector>

#include "libsync/base/text.h"

namespace libsync::account {
namespace {

// A '/' inside a component would let one mailbox pass for a child of another.
std::string join(const sync::Path& path) {
  std::string out;
  for (const auto& component : path) {
    if (!out.empty()) out += '/';
    for (const char c : component) out += c == '/' ? '\x1F' : c;
  }
  return out;
}

// Row by row over the pattern: reach[i] says that the pattern so far can match the first i bytes.
bool glob(std::string_view pattern, std::string_view text) {
  std::vector<char> reach(text.size() + 1, 0);
  reach[0] = 1;
  for (size_t p = 0; p < pattern.size(); ++p) {
    std::vector<char> next(text.size() + 1, 0);
    if (pattern[p] == '*') {
      const bool across = p + 1 < pattern.size() && pattern[p + 1] == '*';
      if (across) ++p;
      for (size_t i = 0; i <= text.size(); ++i) {
        next[i] = reach[i] || (i > 0 && next[i - 1] && (across || text[i - 1] != '/'));
      }
    } else {
      for (size_t i = 0; i < text.size(); ++i) {
        const bool same = pattern[p] == '?' ? text[i] != '/' : pattern[p] == text[i];
        if (reach[i] && same) next[i + 1] = 1;
      }
    }
    reach = std::move(next);
  }
  return reach[text.size()] != 0;
}

}  // namespace

bool matches(std::string_view pattern, const sync::Path& path) {
  const std::string text = join(path);
  if (istarts_with(pattern, "inbox") && (pattern.size() == 5 || pattern[5] == '/')) {
    return glob("INBOX" + std::string(pattern.substr(5)), text);
  }
  return glob(pattern, text);
}

bool wanted(const sync::Path& path, std::span<const std::string> include, std::span<const std::string> exclude) {
  const auto hit = [&](const std::string& pattern) { return matches(pattern, path); };
  return (include.empty() || std::ranges::any_of(include, hit)) && std::ranges::none_of(exclude, hit);
}

}  // namespace libsync::account

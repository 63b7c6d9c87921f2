#include "libsync/mime/message_id.h"

#include <algorithm>

#include "libsync/mime/lexer.h"

namespace libsync::mime {
namespace {

void append_words_with_at(std::string_view value, const Limits& limits, std::vector<std::string>& ids) {
  for (size_t at = 0; at < value.size() && ids.size() < limits.ids;) {
    const size_t begin = at;
    while (at < value.size() && !is_fws(value[at]) && value[at] != ',' && value[at] != '>') ++at;
    const std::string_view word = value.substr(begin, at - begin);
    if (word.find('@') != word.npos) ids.emplace_back(word);
    ++at;
  }
}

}  // namespace

std::vector<std::string> parse_ids(std::string_view value, const Limits& limits, Defects* defects) {
  if (value.size() > limits.value_bytes) {
    note(defects, Fault::ValueTooLong, limits.value_bytes);
    value = value.substr(0, limits.value_bytes);
  }
  std::vector<std::string> ids;
  size_t open = value.find('<');
  if (open == value.npos) {
    append_words_with_at(value, limits, ids);
    if (!std::ranges::all_of(value, is_fws)) note(defects, Fault::BadMessageId);
    return ids;
  }
  while (open != value.npos) {
    size_t end = value.find_first_of("<>", open + 1);
    if (end == value.npos || value[end] == '<') note(defects, Fault::BadMessageId, open);
    end = std::min(end, value.size());
    if (ids.size() >= limits.ids) {
      note(defects, Fault::TooManyIds, open);
      break;
    }
    std::string id;
    std::ranges::copy_if(value.substr(open + 1, end - open - 1), std::back_inserter(id),
                         [](char c) { return !is_fws(c); });
    if (!id.empty()) ids.push_back(std::move(id));
    open = value.find('<', end);
  }
  return ids;
}

}  // namespace libsync::mime

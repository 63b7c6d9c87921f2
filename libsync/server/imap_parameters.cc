#include "libsync/server/imap_parameters.h"

#include <algorithm>
#include <tuple>

#include "libsync/base/text.h"
#include "libsync/mime/limits.h"
#include "libsync/mime/transfer.h"
#include "libsync/server/imap_string.h"

namespace libsync::server {
namespace {

// A name with its marks taken off: "filename*1*" is section 1 of filename, percent-encoded.
struct Name {
  std::string_view base;
  uint64_t number = 0;
  bool numbered = false;
  bool extended = false;
};

// As mime::decode_parameters() does.
Name take_apart(std::string_view name) {
  const size_t star = name.find('*');
  if (star == name.npos || star == 0) return {.base = name};
  std::string_view marks = name.substr(star + 1);
  const bool extended = marks.empty() || marks.ends_with('*');
  if (marks.ends_with('*')) marks.remove_suffix(1);
  const auto number = parse_u64(marks);
  if (!marks.empty() && !number) return {.base = name};  // merely has a '*' in it
  return {name.substr(0, star), number.value_or(0), number.has_value(), extended};
}

// attribute-char of RFC 2231, section 7.
bool stands_for_itself(char c) {
  const char lower = ascii_lower(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$&+-.^_`{|}~").find(c) != std::string_view::npos;
}

// `encoded`: escapes that are there stay, and nothing else comes to look like one.
void append_percent(std::string_view text, bool encoded, std::string& out) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<uint8_t>(text[i]);
    const bool escape = encoded && text[i] == '%' && i + 2 < text.size() && mime::hex_digit(text[i + 1]) >= 0 &&
                        mime::hex_digit(text[i + 2]) >= 0;
    if (escape || stands_for_itself(text[i])) {
      out += text[i];
    } else {
      out += '%';
      out += kDigits[octet >> 4U];
      out += kDigits[octet & 15U];
    }
  }
}

class Joiner {
 public:
  explicit Joiner(const std::vector<mime::RawParameter>& raw) : raw_(raw) {}

  std::vector<mime::RawParameter> run() {
    for (size_t i = 0; i < raw_.size(); ++i) {
      const Name name = take_apart(raw_[i].name);
      if (name.numbered) {
        sections_.push_back({name, i});
      } else {
        (name.extended ? whole_ : alone_).push_back({name, i});
      }
    }
    std::ranges::sort(sections_, {}, [](const Item& s) { return std::tuple(s.name.base, s.name.number, s.index); });
    std::ranges::sort(whole_, {}, [](const Item& s) { return s.name.base; });
    for (auto begin = sections_.begin(); begin != sections_.end();) {
      const auto end =
          std::find_if(begin, sections_.end(), [&](const Item& s) { return s.name.base != begin->name.base; });
      if (!has(whole_, begin->name.base)) join({begin, end});
      begin = end;
    }
    std::ranges::sort(plain_);
    for (const Item& each : whole_) kept_.emplace_back(each.index, raw_[each.index]);
    for (const Item& each : alone_) {
      // The plain name is there for old programs; beside its joined sections it would be the first of two.
      const bool weaker = std::ranges::binary_search(plain_, each.name.base);
      if (!weaker) kept_.emplace_back(each.index, raw_[each.index]);
    }
    std::ranges::sort(kept_, {}, &std::pair<size_t, mime::RawParameter>::first);
    std::vector<mime::RawParameter> result;
    result.reserve(kept_.size());
    for (auto& [index, parameter] : kept_) result.push_back(std::move(parameter));
    return result;
  }

 private:
  struct Item {
    Name name;
    size_t index;  // into the raw parameters
  };
  static bool has(const std::vector<Item>& sorted, std::string_view base) {
    return std::ranges::binary_search(sorted, base, {}, [](const Item& s) { return s.name.base; });
  }

  // Of two of one number the first counts, and gaps are passed over, as mime::decode_parameters() reads them.
  void join(std::vector<Item> items) {
    const size_t first = std::ranges::min_element(items, {}, &Item::index)->index;
    const auto number = [](const Item& s) { return s.name.number; };
    items.erase(std::ranges::unique(items, {}, number).begin(), items.end());
    if (items.size() > mime::kMaxSections) items.erase(items.begin() + mime::kMaxSections, items.end());
    std::string base(items.front().name.base);
    std::string value;
    if (std::ranges::none_of(items, [](const Item& s) { return s.name.extended; })) {
      for (const Item& each : items) value += raw_[each.index].value;
      plain_.push_back(items.front().name.base);
      kept_.emplace_back(first, mime::RawParameter{std::move(base), std::move(value)});
      return;
    }
    for (size_t i = 0; i < items.size(); ++i) {
      std::string_view text = raw_[items[i].index].value;
      if (i == 0) text.remove_prefix(append_charset(text, items[i].name.extended, value));
      append_percent(text, items[i].name.extended, value);
    }
    kept_.emplace_back(first, mime::RawParameter{base + "*", std::move(value)});
  }

  // "charset'language'" of the first section; how long it is there.
  static size_t append_charset(std::string_view text, bool extended, std::string& out) {
    const size_t charset_end = extended ? text.find('\'') : text.npos;
    const size_t end = charset_end == text.npos ? text.npos : text.find('\'', charset_end + 1);
    if (end == text.npos) {
      out += "''";
      return 0;
    }
    out += text.substr(0, end + 1);
    return end + 1;
  }

  const std::vector<mime::RawParameter>& raw_;
  std::vector<Item> sections_, whole_, alone_;
  std::vector<std::string_view> plain_;                      // bases that were joined and have no '*'
  std::vector<std::pair<size_t, mime::RawParameter>> kept_;  // with where they stand
};

void append_list(const std::vector<mime::RawParameter>& parameters, bool is_text, bool utf8, std::string& out) {
  const auto is_charset = [](const mime::RawParameter& p) { return p.name == "charset" || p.name == "charset*"; };
  const bool add_charset = is_text && std::ranges::none_of(parameters, is_charset);
  if (parameters.empty() && !add_charset) {
    out += "NIL";
    return;
  }
  // Neither names nor values hold CR, LF or NUL: parse_structured() leaves them out.
  char before = '(';
  for (const mime::RawParameter& each : parameters) {
    out += before;
    append_string(each.name, utf8, out);
    out += ' ';
    append_string(std::string_view(each.value).substr(0, mime::kMaxValueBytes), utf8, out);  // percents triple
    before = ' ';
  }
  if (add_charset) {
    out += before;
    out += R"("charset" "us-ascii")";
  }
  out += ')';
}

}  // namespace

void append_parameters(const std::vector<mime::RawParameter>& raw, bool is_text, bool utf8, std::string& out) {
  const auto has_number = [](const mime::RawParameter& p) { return take_apart(p.name).numbered; };
  if (std::ranges::none_of(raw, has_number)) return append_list(raw, is_text, utf8, out);
  append_list(Joiner(raw).run(), is_text, utf8, out);
}

}  // namespace libsync::server

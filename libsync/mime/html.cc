#include "libsync/mime/html.h"

#include <algorithm>
#include <array>

#include "libsync/base/text.h"

namespace libsync::mime {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\0'; }
bool is_alpha(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }

constexpr std::array<std::string_view, 26> kLineTags = {
    "br",     "div",     "tr",      "li",      "ul",     "ol",     "dl",     "dt",    "dd",
    "table",  "form",    "section", "article", "header", "footer", "center", "pre",   "nav",
    "option", "caption", "address", "aside",   "tbody",  "body",   "html",   "figure"};
constexpr std::array<std::string_view, 9> kParagraphTags = {"p",  "h1", "h2",         "h3", "h4",
                                                            "h5", "h6", "blockquote", "hr"};
constexpr std::array<std::string_view, 4> kHiddenTags = {"script", "style", "title", "template"};

template <size_t N>
bool contains(const std::array<std::string_view, N>& tags, std::string_view name) {
  return std::ranges::any_of(tags, [&](std::string_view tag) { return iequals(tag, name); });
}

class Stripper {
 public:
  Stripper(std::string_view in, uint64_t max_bytes) : in_(in), max_bytes_(max_bytes) {}

  std::string run() {
    while (at_ < in_.size() && out_.size() < max_bytes_) {
      const char c = in_[at_];
      if (c == '<' && markup()) continue;
      if (c == '&') {
        character_.clear();
        if (const size_t taken = append_reference(in_.substr(at_), character_); taken > 0) {
          at_ += taken;
          if (character_ == " ") {
            space_ = true;
          } else if (!character_.empty()) {
            put(character_);
          }
          continue;
        }
      }
      if (is_space(c)) {
        space_ = true;
        ++at_;
      } else {
        text();
      }
    }
    return std::move(out_);
  }

 private:
  void text() {
    const size_t begin = at_++;
    while (at_ < in_.size() && in_[at_] != '<' && in_[at_] != '&' && !is_space(in_[at_])) ++at_;
    put(in_.substr(begin, at_ - begin));
  }

  void put(std::string_view word) {
    if (!out_.empty()) {
      const size_t between = breaks_ > 0 ? breaks_ : space_ ? 1 : 0;
      if (out_.size() + between >= max_bytes_) {  // no room for more than the space before the word
        at_ = in_.size();
        return;
      }
      out_.append(between, breaks_ > 0 ? '\n' : ' ');
    }
    breaks_ = 0;
    space_ = false;
    const uint64_t room = max_bytes_ - std::min<uint64_t>(max_bytes_, out_.size());
    size_t length = std::min<uint64_t>(word.size(), room);
    while (length > 0 && length < word.size() && (static_cast<uint8_t>(word[length]) & 0xC0) == 0x80) --length;
    out_ += word.substr(0, length);
    if (length < word.size()) at_ = in_.size();
  }

  // What begins with '<'. False if it is text.
  bool markup() {
    const std::string_view rest = in_.substr(at_);
    if (rest.starts_with("<!--")) {
      skip_past("-->", at_ + 4);
    } else if (rest.starts_with("<!") || rest.starts_with("<?")) {
      skip_past(">", at_ + 2);
    } else if (rest.size() > 1 && (is_alpha(rest[1]) || (rest[1] == '/' && rest.size() > 2 && is_alpha(rest[2])))) {
      tag();
    } else {
      return false;
    }
    return true;
  }

  // Text that is never closed is dropped to the end: so do browsers, and so the search is done once.
  void skip_past(std::string_view what, size_t from) {
    const size_t found = in_.find(what, from);
    at_ = found == in_.npos ? in_.size() : found + what.size();
  }

  void tag() {
    const bool closing = in_[at_ + 1] == '/';
    const size_t begin = at_ + (closing ? 2 : 1);
    size_t end = begin;
    while (end < in_.size() && (is_alpha(in_[end]) || (in_[end] >= '0' && in_[end] <= '9'))) ++end;
    const std::string_view name = in_.substr(begin, end - begin);
    at_ = tag_end(end);
    if (contains(kLineTags, name)) {
      const bool line_break = iequals(name, "br");
      breaks_ = line_break ? std::min<size_t>(breaks_ + 1, 2) : std::max<size_t>(breaks_, 1);
    } else if (contains(kParagraphTags, name)) {
      breaks_ = 2;
    } else if (iequals(name, "td") || iequals(name, "th")) {
      space_ = true;
    } else if (!closing && contains(kHiddenTags, name)) {
      skip_element(name);
    }
  }

  // Behind the '>' that is not in quotes. A quote that is never closed is none.
  size_t tag_end(size_t at) {
    while (at < in_.size() && in_[at] != '>') {
      const char c = in_[at];
      bool& open = c == '"' ? double_quotes_ : single_quotes_;
      // Only behind '=': an apostrophe elsewhere in a tag is damage.
      if ((c == '"' || c == '\'') && open && in_[at - 1] == '=') {
        const size_t close = in_.find(c, at + 1);
        if (close == in_.npos) {
          open = false;
        } else {
          at = close;
        }
      }
      ++at;
    }
    return std::min(at + 1, in_.size());
  }

  void skip_element(std::string_view name) {
    for (size_t found = in_.find("</", at_); found != in_.npos; found = in_.find("</", found + 2)) {
      if (!istarts_with(in_.substr(found + 2), name)) continue;
      at_ = tag_end(found + 2 + name.size());
      return;
    }
    at_ = in_.size();
  }

  std::string_view in_;
  uint64_t max_bytes_;
  size_t at_ = 0;
  std::string out_;
  std::string character_;
  bool space_ = false;
  size_t breaks_ = 0;
  bool double_quotes_ = true, single_quotes_ = true;  // false: no closing one follows
};

}  // namespace

std::string html_to_text(std::string_view html, uint64_t max_bytes) { return Stripper(html, max_bytes).run(); }

}  // namespace libsync::mime

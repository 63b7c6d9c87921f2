#include "libsync/mime/address.h"

#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/mime/encoded_word.h"
#include "libsync/mime/lexer.h"

namespace libsync::mime {
namespace {

constexpr size_t kMaxWord = 500;  // an encoded word with specials inside; RFC 2047 has 75

bool is_special(char c) {
  return is_fws(c) || c == '(' || c == ',' || c == ';' || c == ':' || c == '<' || c == '>' || c == '"' || c == '@';
}
bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

// Reads whatever stands between two commas, takes the pieces down, and decides at its end what it was.
class AddressParser {
 public:
  AddressParser(std::string_view in, Converters* converters, const Limits& limits, Defects* defects)
      : in_(in),
        converters_(converters),
        limits_(limits),
        defects_(defects),
        lexer_(in, limits.comment_depth, defects) {}

  std::vector<Address> run() {
    while (at_ < in_.size() && !full_) step();
    end_item();
    if (in_group_) {
      damage();
      push({.kind = AddressKind::GroupEnd});
    }
    return std::move(list_);
  }

 private:
  void step() {
    const char c = in_[at_];
    if (is_fws(c)) {
      gap_ = true;
      ++at_;
    } else if (c == ',' || c == ';') {
      end_item();
      if (c == ';' && in_group_) {
        push({.kind = AddressKind::GroupEnd});
        in_group_ = false;
      } else if (c == ';') {
        damage();  // between addresses, as Outlook writes them
      }
      ++at_;
    } else if (c == '<') {
      angle();
    } else if (c == '@') {
      bare_domain();
    } else if (c == '(' && comment()) {
    } else if (c == '"' && quoted()) {
    } else if (c == ':' && group_start()) {
    } else {
      word();
    }
  }

  void damage() { note(defects_, Fault::BadAddress, at_); }

  bool comment() {
    const size_t end = lexer_.comment_end(at_);
    if (end == in_.npos) return false;
    comment_.clear();
    append_unescaped(in_.substr(at_ + 1, end - at_ - 2), comment_);
    at_ = end;
    gap_ = true;
    return true;
  }

  bool quoted() {
    const size_t end = lexer_.quoted_end(at_);
    if (end == in_.npos) {
      damage();
      return false;
    }
    begin_word(in_[at_]);
    append_unescaped(in_.substr(at_ + 1, end - at_ - 2), phrase_);
    quoted_ = true;
    at_ = end;
    return true;
  }

  bool group_start() {
    if (in_group_ || have_at_ || have_angle_ || phrase_.empty()) return false;
    push({.kind = AddressKind::GroupStart, .name = decoded(phrase_)});
    reset();
    in_group_ = !full_;
    ++at_;
    return true;
  }

  void word() {
    size_t end = at_ + 1;  // a special that stands where it can't is a character like others
    if (const size_t length = encoded_word_length(); length > 0) {
      end = at_ + length;
    } else if (!is_special(in_[at_])) {
      while (end < in_.size() && !is_special(in_[end])) ++end;
    } else {
      damage();
    }
    begin_word(in_[at_]);
    phrase_.append(in_, at_, end - at_);
    at_ = end;
  }

  // Encoded words may not hold ',' or '"' here (RFC 2047, section 5); where they do, they hold together.
  size_t encoded_word_length() const {
    const std::string_view rest = in_.substr(at_, kMaxWord);
    if (!rest.starts_with("=?")) return 0;
    const size_t charset = rest.find('?', 2);
    if (charset == rest.npos || charset + 2 >= rest.size() || rest[charset + 2] != '?') return 0;
    const size_t close = rest.find("?=", charset + 3);
    if (close == rest.npos || std::ranges::any_of(rest.substr(0, close), is_fws)) return 0;
    return close + 2;
  }

  void begin_word(char first) {
    if (gap_ && !phrase_.empty()) {
      // "john . doe @ example" is one local part (RFC 5322, section 4.4), "John Doe" two words.
      if (phrase_.back() != '.' && first != '.') {
        word_begin_ = phrase_.size() + 1;
        quoted_ = false;
      }
      phrase_ += ' ';
    }
    gap_ = false;
  }

  // '@' outside of angle brackets: the last word was a local part.
  void bare_domain() {
    if (have_angle_) {
      damage();
      ++at_;
      return;
    }
    if (have_at_ && word_begin_ > address_end_) {  // "a@x b@y": a comma is missing
      damage();
      std::string next = phrase_.substr(word_begin_);
      phrase_.resize(address_end_);
      end_item();
      phrase_ = std::move(next);
    }
    if (have_at_) {  // "a@b@c": the last one counts
      damage();
      local_ += '@';
      local_ += domain_;
    } else {
      local_ = phrase_.substr(word_begin_);
      if (!quoted_) std::erase(local_, ' ');
      name_end_ = word_begin_;
      have_at_ = true;
    }
    at_ = domain(at_ + 1);
    phrase_ += '@';
    phrase_ += domain_;
    address_end_ = phrase_.size();
    gap_ = true;
  }

  size_t domain(size_t at) {
    domain_.clear();
    while (true) {
      const size_t begin = lexer_.skip_cfws(at);
      const bool joins = begin == at || domain_.empty() || domain_.ends_with('.');
      if (begin >= in_.size() || is_special(in_[begin]) || (!joins && in_[begin] != '.')) return at;
      at = begin;
      if (in_[at] == '[') {
        const size_t close = in_.find_first_of("],\n", at);
        const size_t end = close == in_.npos ? in_.size() : close + (in_[close] == ']' ? 1 : 0);
        append_clean(in_.substr(at, end - at), domain_);
        at = end;
      } else {
        while (at < in_.size() && !is_special(in_[at]) && in_[at] != '[') domain_ += in_[at++];
      }
    }
  }

  static void append_clean(std::string_view text, std::string& out) {
    std::ranges::copy_if(text, std::back_inserter(out), [](char c) { return !is_fws(c); });
  }

  void angle() {
    if (have_angle_) {  // "<a@x> <b@y>": a comma is missing
      damage();
      end_item();
    }
    doubled('<');  // "<<a@x>>"
    const size_t begin = at_ + 1;
    size_t comma = in_.npos;
    size_t i = begin;
    while (i < in_.size() && in_[i] != '>' && in_[i] != '<') {
      if (in_[i] == ',' && comma == in_.npos) comma = i;
      const size_t end = lexer_.quoted_end(i);
      i = end == in_.npos ? i + 1 : end;
    }
    const bool closed = i < in_.size() && in_[i] == '>';
    if (!closed) {
      damage();
      if (comma != in_.npos) i = comma;
    }
    have_angle_ = true;
    angle_address(begin, i);
    at_ = i;
    if (closed) {
      doubled('>');
      ++at_;
    }
    gap_ = true;
  }

  // To the last of several brackets in a row.
  void doubled(char bracket) {
    while (at_ + 1 < in_.size() && in_[at_ + 1] == bracket) {
      damage();
      ++at_;
    }
  }

  // Between the brackets: route, local part, '@', domain; white space and comments anywhere.
  void angle_address(size_t at, size_t end) {
    std::string text;
    size_t sign = text.npos;
    bool quoted_here = false;
    Lexer inside(in_.substr(0, end), limits_.comment_depth, defects_);  // nothing opened here closes behind '>'
    while (at < end) {
      const char c = in_[at];
      if (const size_t close = inside.quoted_end(at); close != in_.npos) {
        append_unescaped(in_.substr(at + 1, close - at - 2), text);
        quoted_here = true;
        at = close;
        continue;
      }
      if (const size_t close = inside.comment_end(at); close != in_.npos) {
        at = close;
        continue;
      }
      if (c == '@') sign = text.size();
      if (c == ':' && text.starts_with('@') && route_.empty() && !quoted_here) {
        route_ = std::move(text);
        text.clear();
        sign = text.npos;
      } else if (!is_fws(c)) {
        text += c;
      }
      ++at;
    }
    local_ = text.substr(0, sign);
    if (constexpr std::string_view kScheme = "mailto:"; istarts_with(local_, kScheme) && !quoted_here) {
      damage();
      local_.erase(0, kScheme.size());
    }
    domain_ = sign == text.npos ? std::string() : text.substr(sign + 1);
    if (sign == text.npos && !text.empty()) damage();
  }

  void end_item() {
    if (!phrase_.empty() || have_at_ || have_angle_ || !comment_.empty()) finish_item();
    reset();
  }

  void finish_item() {
    Address address;
    if (have_angle_) {
      address.name = decoded(phrase_);
    } else if (have_at_) {
      if (name_end_ > 0) damage();  // "John Doe john@example.org": brackets are missing
      if (phrase_.size() > address_end_) damage();
      address.name = decoded(std::string_view(phrase_).substr(0, name_end_));
    } else if (!phrase_.empty()) {
      damage();
      const bool words = phrase_.find(' ') != phrase_.npos || phrase_.find("=?") != phrase_.npos || !is_ascii(phrase_);
      (words ? address.name : local_) = words ? decoded(phrase_) : phrase_;
    } else if (comment_.empty()) {
      return;
    }
    address.comment = decoded(comment_);
    if (address.name.empty()) address.name = address.comment;
    address.local = utf8(local_);
    address.domain = utf8(domain_);
    address.route = utf8(route_);
    push(std::move(address));
  }

  std::string decoded(std::string_view text) {
    return converters_ == nullptr ? std::string(trim(text)) : decode_text(text, *converters_, defects_);
  }
  std::string utf8(std::string& text) {
    if (converters_ == nullptr || is_valid_utf8(text)) return std::move(text);
    note(defects_, Fault::RawEightBit, at_);
    std::string out;
    converters_->append_guess(text, out);
    return out;
  }

  void push(Address address) {
    if (list_.size() >= limits_.addresses && address.kind != AddressKind::GroupEnd) {
      if (!full_) note(defects_, Fault::TooManyAddresses, at_);
      full_ = true;
      return;
    }
    list_.push_back(std::move(address));
  }

  void reset() {
    phrase_.clear();
    local_.clear();
    domain_.clear();
    route_.clear();
    comment_.clear();
    word_begin_ = name_end_ = address_end_ = 0;
    gap_ = quoted_ = have_at_ = have_angle_ = false;
  }

  std::string_view in_;
  Converters* converters_;
  const Limits& limits_;
  Defects* defects_;
  Lexer lexer_;
  size_t at_ = 0;
  std::vector<Address> list_;
  bool in_group_ = false;
  bool full_ = false;

  // The item being read.
  std::string phrase_, local_, domain_, route_, comment_;
  size_t word_begin_ = 0;   // of the last word in phrase_
  size_t name_end_ = 0;     // where the bare address begins in phrase_
  size_t address_end_ = 0;  // and ends
  bool gap_ = false;        // white space or a comment before the next word
  bool quoted_ = false;     // the last word holds a quoted string
  bool have_at_ = false, have_angle_ = false;
};

bool is_atext(char c) {
  return static_cast<uint8_t>(c) >= 0x80 || (c >= '0' && c <= '9') ||
         (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

std::string quoted_if(std::string_view text, bool must) {
  if (!must) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\r' || c == '\n' || c == '\0') continue;
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::vector<Address> parse_addresses(std::string_view value, Converters* converters, const Limits& limits,
                                     Defects* defects) {
  if (value.size() > limits.value_bytes) {
    note(defects, Fault::ValueTooLong, limits.value_bytes);
    value = value.substr(0, limits.value_bytes);
  }
  return AddressParser(value, converters, limits, defects).run();
}

std::string addr_spec(const Address& address) {
  if (address.local.empty()) return {};
  const std::string_view local = address.local;
  bool quote = local.starts_with('.') || local.ends_with('.') || local.find("..") != local.npos;
  for (const char c : local) quote = quote || (!is_atext(c) && c != '.');
  std::string out = quoted_if(local, quote);
  if (address.domain.empty()) return out;
  out += '@';
  std::ranges::copy_if(address.domain, std::back_inserter(out), [](char c) { return !is_fws(c); });
  return out;
}

std::string display(const Address& address) {
  const std::string_view name = address.name;
  bool quote = false;
  for (const char c : name) quote = quote || std::string_view("()<>[]:;@\\,\"").find(c) != std::string_view::npos;
  const std::string shown = quoted_if(name, quote);
  if (address.kind == AddressKind::GroupStart) return shown + ":";
  if (address.kind == AddressKind::GroupEnd) return ";";
  const std::string spec = addr_spec(address);
  if (name.empty()) return spec;
  return spec.empty() ? shown : shown + " <" + spec + ">";
}

std::string display(const std::vector<Address>& list) {
  std::string out;
  bool first = true;
  for (const Address& address : list) {
    if (address.kind != AddressKind::GroupEnd && !out.empty()) out += first ? " " : ", ";
    out += display(address);
    first = address.kind == AddressKind::GroupStart;
  }
  return out;
}

}  // namespace libsync::mime

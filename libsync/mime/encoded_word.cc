#include "libsync/mime/encoded_word.h"

#include <algorithm>
#include <optional>

#include "libsync/base/text.h"
#include "libsync/mime/transfer.h"

namespace libsync::mime {
namespace {

constexpr size_t kMaxLabel = 100;  // charset and language; RFC 2047 has 75 for the whole word

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_plain(char c) { return static_cast<uint8_t>(c) < 0x80 && c != '\r' && c != '\n' && c != '\0'; }

struct Word {
  std::string_view charset;
  char encoding;  // 'b' or 'q'
  std::string_view text;
  size_t end;
};

// Finds words. Remembers the next "?=" and "=?", so that text full of beginnings is read once.
class WordFinder {
 public:
  explicit WordFinder(std::string_view in) : in_(in), last_space_(in.find_last_of(" \t\r\n")) {}

  std::optional<Word> at(size_t begin) {
    const size_t label_end = in_.substr(0, std::min(in_.size(), begin + 2 + kMaxLabel)).find('?', begin + 2);
    if (label_end == in_.npos || label_end + 2 >= in_.size() || in_[label_end + 2] != '?') return std::nullopt;
    const std::string_view label = in_.substr(begin + 2, label_end - begin - 2);
    const char encoding = ascii_lower(in_[label_end + 1]);
    if (label.empty() || (encoding != 'b' && encoding != 'q') || std::ranges::any_of(label, is_space)) {
      return std::nullopt;
    }
    const size_t text = label_end + 3;
    const std::string_view charset = label.substr(0, label.find('*'));  // RFC 2231, section 5
    const size_t close = find("?=", text, close_);
    if (close == in_.npos) {  // cut off: what is there counts, if no other word follows
      if (last_space_ != in_.npos && last_space_ > text) return std::nullopt;
      return Word{charset, encoding, in_.substr(text), in_.size()};
    }
    // "=?" inside: this word is not closed, and the "?=" belongs to the next one. "=?=" is padding.
    if (const size_t open = find("=?", text, open_); open != in_.npos && open + 1 < close) return std::nullopt;
    return Word{charset, encoding, in_.substr(text, close - text), close + 2};
  }

 private:
  struct Memory {
    size_t from = 0;
    size_t found = 0;
    bool valid = false;
  };
  size_t find(std::string_view what, size_t from, Memory& memory) {
    if (!memory.valid || from < memory.from || from > memory.found) memory = {from, in_.find(what, from), true};
    return memory.found;
  }

  std::string_view in_;
  size_t last_space_;
  Memory close_{}, open_{};
};

class TextDecoder {
 public:
  TextDecoder(std::string_view in, Converters& converters, Defects* defects)
      : in_(in), converters_(converters), defects_(defects) {}

  std::string run() {
    WordFinder finder(in_);
    size_t plain = 0;
    bool after_word = false;
    for (size_t at = in_.find("=?"); at != in_.npos;) {
      const auto word = finder.at(at);
      if (!word) {
        at = in_.find("=?", at + 2);
        continue;
      }
      const std::string_view between = in_.substr(plain, at - plain);
      if (!after_word || !std::ranges::all_of(between, is_space)) emit_plain(between);
      add_word(*word);
      after_word = true;
      plain = word->end;
      at = in_.find("=?", plain);
    }
    emit_plain(in_.substr(plain));
    return std::move(out_);
  }

 private:
  void emit_plain(std::string_view text) {
    flush_run();
    const size_t begin = out_.size();
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c != '\r' && c != '\n' && c != '\0') {
        out_ += c;
      } else if (c == '\0' || (i + 1 < text.size() && !is_space(text[i + 1]))) {
        out_ += ' ';
      }
    }
    if (is_valid_utf8(std::string_view(out_).substr(begin))) return;
    note(defects_, Fault::RawEightBit);
    const std::string raw = out_.substr(begin);
    out_.resize(begin);
    converters_.append_guess(raw, out_);
  }

  // "utf8" and "utf-8" are one charset: a character may be cut between words that call it differently.
  bool is_same_charset(std::string_view other) const {
    if (iequals(charset_, other)) return true;
    const std::string name = iconv_name(charset_);
    return !name.empty() && name == iconv_name(other);
  }

  void add_word(const Word& word) {
    if (!active_ || !is_same_charset(word.charset)) {
      flush_run();
      charset_ = word.charset;
      active_ = true;
    }
    if (word.encoding == 'q') {
      decode_base64();
      append_q(word.text, bytes_, defects_);
      return;
    }
    // Some senders cut the base64 text wherever a line was full, in the middle of its groups of four.
    const size_t open = base64_.ends_with('=') ? 0 : base64_.size() % 4;
    if (open == 0 || (open + word.text.size()) % 4 != 0) decode_base64();
    base64_ += word.text;
  }

  void decode_base64() {
    if (base64_.empty()) return;
    Defects damage;
    bytes_ += decode_transfer(Encoding::Base64, base64_, &damage);
    if (damage.total() > 0) note(defects_, Fault::BadEncodedWord);
    base64_.clear();
  }

  void flush_run() {
    if (!active_) return;
    decode_base64();
    const size_t begin = out_.size();
    switch (converters_.append(charset_, bytes_, out_)) {
      case Fit::Exact:
        break;
      case Fit::Unknown:
        note(defects_, Fault::UnknownCharset);
        break;
      default:
        note(defects_, Fault::WrongCharset);
        break;
    }
    std::replace_if(
        out_.begin() + static_cast<std::ptrdiff_t>(begin), out_.end(),
        [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
    bytes_.clear();
    active_ = false;
  }

  std::string_view in_;
  Converters& converters_;
  Defects* defects_;
  std::string out_;
  bool active_ = false;  // words of one charset, not yet decoded
  std::string_view charset_;
  std::string bytes_;
  std::string base64_;
};

}  // namespace

std::string decode_text(std::string_view value, Converters& converters, Defects* defects) {
  value = trim(value);
  if (std::ranges::all_of(value, is_plain) && value.find("=?") == value.npos) return std::string(value);
  return TextDecoder(value, converters, defects).run();
}

}  // namespace libsync::mime

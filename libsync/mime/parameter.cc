#include "libsync/mime/parameter.h"

#include <algorithm>
#include <utility>

#include "libsync/base/text.h"
#include "libsync/mime/encoded_word.h"
#include "libsync/mime/lexer.h"
#include "libsync/mime/transfer.h"

namespace libsync::mime {
namespace {

bool ends_token(char c) { return is_fws(c) || c == ';' || c == '(' || c == '='; }

class StructuredParser {
 public:
  StructuredParser(std::string_view in, const Limits& limits, Defects* defects)
      : in_(in), limits_(limits), defects_(defects), lexer_(in, limits.comment_depth, defects) {}

  Structured run() {
    read_type();
    at_ = lexer_.skip_cfws(at_);
    if (at_ < in_.size() && in_[at_] != ';') note(defects_, Fault::BadParameter, at_);
    while (at_ < in_.size()) {
      at_ = lexer_.skip_cfws(at_);
      if (at_ < in_.size() && in_[at_] == ';') {
        ++at_;
      } else if (at_ < in_.size()) {
        if (result_.parameters.size() >= limits_.parameters) {
          note(defects_, Fault::TooManyParameters, at_);
          break;
        }
        read_parameter();
      }
    }
    return std::move(result_);
  }

 private:
  void read_type() {
    at_ = lexer_.skip_cfws(at_);
    if (at_ < in_.size() && in_[at_] == '"') ++at_;  // "text/plain" in quotes occurs
    const auto word = [&] {
      const size_t begin = at_;
      while (at_ < in_.size() && !ends_token(in_[at_]) && in_[at_] != '/' && in_[at_] != '"') ++at_;
      return to_lower(in_.substr(begin, at_ - begin));
    };
    result_.type = word();
    at_ = lexer_.skip_cfws(at_);
    if (at_ < in_.size() && in_[at_] == '/') {
      at_ = lexer_.skip_cfws(at_ + 1);
      result_.subtype = word();
    }
    if (at_ < in_.size() && in_[at_] == '"') ++at_;
    if (at_ < in_.size() && in_[at_] == '=') {  // "Content-Type: charset=utf-8": no type at all
      result_.type.clear();
      at_ = 0;
    }
  }

  void read_parameter() {
    const size_t begin = at_;
    while (at_ < in_.size() && !ends_token(in_[at_])) ++at_;
    std::string name = to_lower(in_.substr(begin, at_ - begin));
    at_ = lexer_.skip_cfws(at_);
    if (name.empty() || at_ >= in_.size() || in_[at_] != '=') {
      note(defects_, Fault::BadParameter, begin);
      if (at_ < in_.size() && in_[at_] != ';' && at_ == begin) ++at_;
      return;
    }
    at_ = lexer_.skip_cfws(at_ + 1);
    std::string value = read_value(name);
    result_.parameters.push_back({std::move(name), std::move(value)});
  }

  std::string read_value(std::string_view name) {
    const bool file = name.starts_with("name") || name.starts_with("filename");
    if (at_ < in_.size() && in_[at_] == '"') return read_quoted(file);
    const size_t begin = at_;
    // A file name that should have been quoted: spaces and parentheses are part of it.
    while (at_ < in_.size() && (file ? in_[at_] != ';' : !is_fws(in_[at_]) && in_[at_] != ';' && in_[at_] != '('))
      ++at_;
    return unfold_spaces(trim(in_.substr(begin, at_ - begin)));
  }

  std::string read_quoted(bool file) {
    size_t end = lexer_.quoted_end(at_);
    std::string_view inside = in_.substr(at_ + 1);
    if (end == in_.npos) {
      note(defects_, Fault::BadParameter, at_);
      end = in_.size();
    } else {
      inside = in_.substr(at_ + 1, end - at_ - 2);
    }
    at_ = end;
    // C:\temp\a.txt from Windows programs that do not know of quoted pairs.
    const bool windows = file && inside.size() > 3 && inside[1] == ':' && inside[2] == '\\' && inside[3] != '\\';
    if (windows) return unfold_spaces(inside);
    std::string value;
    append_unescaped(inside, value);
    return value;
  }

  static std::string unfold_spaces(std::string_view text) {
    std::string out;
    std::ranges::copy_if(text, std::back_inserter(out), [](char c) { return c != '\r' && c != '\n' && c != '\0'; });
    return out;
  }

  std::string_view in_;
  const Limits& limits_;
  Defects* defects_;
  Lexer lexer_;
  size_t at_ = 0;
  Structured result_;
};

// One RFC 2231 name taken apart: "filename*1*" is section 1 of filename, percent-encoded.
struct Section {
  std::string_view base;
  uint64_t number = 0;
  bool numbered = false;
  bool extended = false;
  const std::string* value = nullptr;
  size_t order = 0;  // of the name's first occurrence
};

Section take_apart(const RawParameter& raw) {
  Section section{.base = raw.name, .value = &raw.value};
  std::string_view name = raw.name;
  const size_t star = name.find('*');
  if (star == name.npos || star == 0) return section;
  std::string_view marks = name.substr(star + 1);
  const bool extended = marks.empty() || marks.ends_with('*');
  if (marks.ends_with('*')) marks.remove_suffix(1);
  const auto number = parse_u64(marks);
  if (!marks.empty() && !number) return section;  // a name that merely has a '*' in it
  section.base = name.substr(0, star);
  section.extended = extended;
  section.numbered = number.has_value();
  section.number = number.value_or(0);
  return section;
}

void append_percent_decoded(std::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(static_cast<uint8_t>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      out += text[i];
    }
  }
}

class ParameterDecoder {
 public:
  ParameterDecoder(Converters& converters, const Limits& limits, Defects* defects)
      : converters_(converters), limits_(limits), defects_(defects) {}

  // `sections` are all of one name, sorted by number.
  Parameter decode(const std::vector<Section>& sections) {
    Parameter result{.name = std::string(sections.front().base), .value = {}};
    // name* beats sections, sections beat plain name: the plain one is there for old programs.
    const auto whole = std::ranges::find_if(sections, [](const Section& s) { return s.extended && !s.numbered; });
    const auto first = std::ranges::find_if(sections, &Section::numbered);
    if (whole != sections.end()) {
      add(*whole, true, result);
    } else if (first != sections.end()) {
      join(sections, result);
    } else {
      add(sections.front(), false, result);
      if (sections.size() > 1) note(defects_, Fault::DuplicateParameter);
    }
    finish(result);
    return result;
  }

 private:
  void join(const std::vector<Section>& sections, Parameter& result) {
    uint64_t expected = 0;
    size_t joined = 0;
    for (const Section& section : sections) {
      if (!section.numbered) continue;
      if (joined > 0 && section.number + 1 == expected) {
        note(defects_, Fault::DuplicateParameter);
        continue;
      }
      if (joined == limits_.sections) {
        note(defects_, Fault::TooManyParameters);
        break;
      }
      if (section.number != expected) note(defects_, Fault::MissingSection);
      add(section, joined++ == 0, result);
      expected = section.number + 1;
    }
  }

  void add(const Section& section, bool first, Parameter& result) {
    std::string_view text = *section.value;
    if (!section.extended) {
      bytes_ += text;
      return;
    }
    percent_ = true;
    if (first) {
      const size_t charset_end = text.find('\'');
      const size_t language_end = charset_end == text.npos ? text.npos : text.find('\'', charset_end + 1);
      if (language_end == text.npos) {
        note(defects_, Fault::BadParameter);
      } else {
        result.charset = text.substr(0, charset_end);
        result.language = text.substr(charset_end + 1, language_end - charset_end - 1);
        text.remove_prefix(language_end + 1);
      }
    }
    append_percent_decoded(text, bytes_);
  }

  void finish(Parameter& result) {
    if (percent_ && !result.charset.empty()) {
      const Fit fit = converters_.append(result.charset, bytes_, result.value);
      if (fit == Fit::Unknown) note(defects_, Fault::UnknownCharset);
      if (fit == Fit::Guessed || fit == Fit::Replaced) note(defects_, Fault::WrongCharset);
    } else if (bytes_.find("=?") != bytes_.npos) {
      note(defects_, Fault::BadParameter);  // RFC 2047, section 5, forbids them here; many programs send them
      result.value = decode_text(bytes_, converters_, defects_);
    } else if (is_valid_utf8(bytes_)) {
      result.value = std::move(bytes_);
    } else {
      note(defects_, Fault::RawEightBit);
      converters_.append_guess(bytes_, result.value);
    }
    bytes_.clear();
    percent_ = false;
  }

  Converters& converters_;
  const Limits& limits_;
  Defects* defects_;
  std::string bytes_;
  bool percent_ = false;
};

}  // namespace

const std::string* Structured::find(std::string_view name) const {
  const auto found = std::ranges::find(parameters, name, &RawParameter::name);
  return found == parameters.end() ? nullptr : &found->value;
}

const Parameter* find(const std::vector<Parameter>& parameters, std::string_view name) {
  const auto found = std::ranges::find(parameters, name, &Parameter::name);
  return found == parameters.end() ? nullptr : &*found;
}

Structured parse_structured(std::string_view value, const Limits& limits, Defects* defects) {
  if (value.size() > limits.value_bytes) {
    note(defects, Fault::ValueTooLong, limits.value_bytes);
    value = value.substr(0, limits.value_bytes);
  }
  return StructuredParser(value, limits, defects).run();
}

std::vector<Parameter> decode_parameters(const std::vector<RawParameter>& raw, Converters& converters,
                                         const Limits& limits, Defects* defects) {
  std::vector<Section> sections;
  sections.reserve(raw.size());
  for (const RawParameter& parameter : raw) {
    sections.push_back(take_apart(parameter));
    sections.back().order = sections.size();
  }
  std::ranges::sort(sections, {}, [](const Section& s) { return std::pair(s.base, s.order); });
  ParameterDecoder decoder(converters, limits, defects);
  std::vector<std::pair<size_t, Parameter>> decoded;
  for (auto begin = sections.begin(); begin != sections.end();) {
    const auto end =
        std::ranges::find_if(begin, sections.end(), [&](const Section& s) { return s.base != begin->base; });
    const size_t order = begin->order;
    std::vector<Section> group(begin, end);
    std::ranges::sort(group, {}, [](const Section& s) { return std::pair(s.number, s.order); });
    decoded.emplace_back(order, decoder.decode(group));
    begin = end;
  }
  std::ranges::sort(decoded, {}, &std::pair<size_t, Parameter>::first);
  std::vector<Parameter> result;
  result.reserve(decoded.size());
  for (auto& [order, parameter] : decoded) result.push_back(std::move(parameter));
  return result;
}

std::vector<std::string> parse_languages(std::string_view value) {
  constexpr size_t kMaxLanguages = 100;  // a message in a hundred languages lists enough
  value = value.substr(0, kMaxValueBytes);
  std::vector<std::string> result;
  Lexer lexer(value, kMaxCommentDepth, nullptr);
  for (size_t at = lexer.skip_cfws(0); at < value.size() && result.size() < kMaxLanguages; at = lexer.skip_cfws(at)) {
    const size_t begin = at;
    while (at < value.size() && value[at] != ',' && value[at] != '(' && !is_fws(value[at])) ++at;
    if (at > begin) result.emplace_back(value.substr(begin, at - begin));
    if (at == begin) ++at;
  }
  return result;
}

}  // namespace libsync::mime

#include "libsync/mime/header.h"

#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/mime/encoded_word.h"

namespace libsync::mime {
namespace {

constexpr size_t kMaxFieldName = 998;  // a line's length (RFC 5322, section 2.1.1)

bool is_name_char(char c) { return c > ' ' && c < '\x7F' && c != ':'; }
bool is_space(char c) { return c == ' ' || c == '\t'; }

}  // namespace

char line_end_of(std::string_view bytes) {
  if (bytes.find('\n') != bytes.npos) return '\n';
  return bytes.find('\r') != bytes.npos ? '\r' : '\n';
}

FieldReader::Line FieldReader::line_at(uint64_t at) const {
  const size_t end = bytes_.find(line_end_, at);
  if (end == bytes_.npos) return {bytes_.size(), bytes_.size()};
  uint64_t content_end = end;
  if (line_end_ == '\n') {
    while (content_end > at && bytes_[content_end - 1] == '\r') --content_end;
  }
  return {content_end, end + 1};
}

bool FieldReader::is_field(uint64_t at, const Line& line) const {
  const uint64_t limit = std::min<uint64_t>(line.content_end, at + kMaxFieldName);
  uint64_t i = at;
  while (i < limit && is_name_char(bytes_[i])) ++i;
  if (i == at) return false;
  while (i < limit && is_space(bytes_[i])) ++i;  // obsolete (RFC 5322, section 4.5)
  return i < limit && bytes_[i] == ':';
}

void FieldReader::pass(const Line& line) {
  if (line.next > line.content_end) ++lines_;
  pos_ = line.next;
}

void FieldReader::take(const Line& first, Field& field) {
  const uint64_t begin = pos_;
  const uint64_t colon = bytes_.find(':', begin);
  uint64_t end = first.content_end;
  pass(first);
  while (pos_ < bytes_.size() && is_space(bytes_[pos_])) {
    const Line line = line_at(pos_);
    end = line.content_end;
    pass(line);
  }
  field.name = trim(bytes_.substr(begin, colon - begin));
  field.value = bytes_.substr(colon + 1, end - colon - 1);
  field.offset = begin;
  field.value_offset = colon + 1;
}

bool FieldReader::next(Field& field) {
  while (pos_ < bytes_.size()) {
    const Line line = line_at(pos_);
    if (line.content_end == pos_) {
      pass(line);
      bytes_ = bytes_.substr(0, pos_);
      return false;
    }
    if (is_field(pos_, line)) {
      take(line, field);
      return true;
    }
    const bool field_follows = line.next < bytes_.size() && is_field(line.next, line_at(line.next));
    if (!field_follows) {
      if (pos_ != begin_) note(defects_, Fault::NoHeaderEnd, pos_);
      bytes_ = bytes_.substr(0, pos_);
      return false;
    }
    note(defects_, Fault::JunkInHeader, pos_);
    pass(line);
  }
  return false;
}

Header::Header(std::string_view bytes, const Limits& limits, Defects* defects) {
  FieldReader reader(bytes, defects);
  Field field;
  while (reader.next(field)) {
    if (fields_.size() >= limits.header_fields || field.offset >= limits.header_bytes) {
      note(defects, Fault::TooManyFields, field.offset);
      return;
    }
    fields_.push_back(field);
  }
}

const Field* Header::find(std::string_view name, size_t nth) const {
  for (const Field& field : fields_) {
    if (iequals(field.name, name) && nth-- == 0) return &field;
  }
  return nullptr;
}

size_t Header::count(std::string_view name) const {
  return static_cast<size_t>(std::ranges::count_if(fields_, [&](const Field& f) { return iequals(f.name, name); }));
}

std::string Header::text(std::string_view name, Converters& converters) const {
  const Field* field = find(name);
  return field == nullptr ? std::string() : decode_text(field->value.substr(0, kMaxValueBytes), converters);
}

std::string unfold(std::string_view value) {
  value = trim(value);
  std::string out;
  out.reserve(value.size());
  for (const char c : value) {
    if (c != '\r' && c != '\n') out += c;
  }
  return out;
}

}  // namespace libsync::mime

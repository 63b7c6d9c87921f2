#include "libsync/server/imap_section.h"

#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/mime/body.h"
#include "libsync/mime/header.h"
#include "libsync/server/imap_string.h"

namespace libsync::server {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'; }

// "1.2." and what stands behind it. False for a number that is none.
bool take_numbers(imap::Parser& in, std::vector<uint32_t>& numbers, bool& dot) {
  dot = false;
  while (is_digit(in.peek())) {
    const auto number = in.peek() == '0' ? std::nullopt : in.number();
    if (!number || *number > UINT32_MAX) return in.malformed("not the number of a part");
    if (numbers.size() == kMaxSectionNumbers) return in.malformed("too many numbers of parts");
    numbers.push_back(static_cast<uint32_t>(*number));
    dot = in.ch('.');
    if (!dot) return true;
  }
  return true;
}

std::string_view take_word(imap::Parser& in) {
  const std::string_view rest = in.rest();
  const auto end = std::ranges::find_if_not(rest, [](char c) { return is_letter(c) || c == '.'; });
  const auto length = static_cast<size_t>(end - rest.begin());
  in.seek(in.offset() + length);
  return rest.substr(0, length);
}

bool take_fields(imap::Parser& in, std::vector<std::string>& fields) {
  if (!in.expect_space()) return false;
  const bool good = in.expect_list([&] {
    std::string name;
    if (!in.expect_astring(name)) return false;
    const auto is_printable = [](char c) { return c >= ' ' && c < '\x7F'; };
    if (name.empty() || name.size() > kMaxSectionField || !std::ranges::all_of(name, is_printable)) {
      return in.malformed("not the name of a field");
    }
    if (fields.size() == kMaxSectionFields) return in.malformed("too many fields");
    fields.push_back(std::move(name));
    return true;
  });
  return good && (!fields.empty() || in.malformed("no field is named"));
}

bool take_text(imap::Parser& in, Section& out) {
  const std::string_view word = take_word(in);
  if (iequals(word, "HEADER")) {
    out.text = SectionText::Header;
  } else if (iequals(word, "TEXT")) {
    out.text = SectionText::Text;
  } else if (iequals(word, "MIME") && !out.part.empty()) {
    out.text = SectionText::Mime;
  } else if (iequals(word, "HEADER.FIELDS") || iequals(word, "HEADER.FIELDS.NOT")) {
    out.text = word.size() == 13 ? SectionText::Fields : SectionText::FieldsNot;
    return take_fields(in, out.fields);
  } else {
    return in.malformed("not a section");
  }
  return true;
}

std::string number_of(const Section& section) {
  std::string number;
  for (const uint32_t each : section.part) {
    if (!number.empty()) number += '.';
    append_number(each, number);
  }
  return number;
}

std::string_view word_of(SectionText text) {
  switch (text) {
    case SectionText::Header:
    case SectionText::Fields:
    case SectionText::FieldsNot:
      return "HEADER";
    case SectionText::Text:
      return "TEXT";
    case SectionText::Mime:
      return "MIME";
    case SectionText::Whole:
      break;
  }
  return {};
}

// What mime::section() calls it; of some fields the header that they are in.
std::string spec_of(const Section& section) {
  std::string spec = number_of(section);
  const std::string_view word = word_of(section.text);
  if (!spec.empty() && !word.empty()) spec += '.';
  spec += word;
  return spec;
}

bool picks_fields(const Section& section) {
  return section.text == SectionText::Fields || section.text == SectionText::FieldsNot;
}

std::string_view line_end_in(std::string_view header, char line_end) {
  if (header.ends_with("\r\n") || !header.ends_with(line_end)) return "\r\n";
  return line_end == '\n' ? "\n" : "\r";
}

// The fields as they stand, and an empty line, which belongs to every header that is fetched (RFC 9051, section
// 6.4.5.1). Lines that are no fields are left out.
Content picked(const Section& section, std::string_view bytes, char line_end, mime::Span header) {
  const std::string_view visible = bytes.substr(0, header.end());
  const std::string_view ending = line_end_in(visible.substr(header.offset), line_end);
  const bool wanted = section.text == SectionText::Fields;
  Content content{.kind = Content::Kind::Made};
  mime::FieldReader reader(visible, line_end, header.offset);
  mime::Field field;
  while (reader.next(field)) {
    const bool named = std::ranges::any_of(section.fields, [&](const auto& name) { return iequals(name, field.name); });
    if (named != wanted) continue;
    content.text += visible.substr(field.offset, reader.position() - field.offset);
    if (!content.text.ends_with(line_end)) content.text += ending;
  }
  content.text += ending;
  return content;
}

Content stored(const std::optional<mime::Span>& span) {
  if (!span) return {};
  return {.kind = Content::Kind::Stored, .stored = *span};
}

// The part that BINARY is to decode; null if there is none.
const mime::Part* part_in(const Section& section, const mime::Message& message) {
  const auto index = mime::part_of(message, number_of(section));
  return index ? &message.parts[*index] : nullptr;
}

// True where what stands there is what decoding gives.
bool as_it_stands(const Section& section, const mime::Part& part) {
  return section.part.empty() || part.kind != mime::PartKind::Leaf ||
         (part.encoding != mime::Encoding::Unknown && mime::is_identity(part.encoding));
}

}  // namespace

bool parse_section(imap::Parser& in, Section& out) {
  out = {};
  bool dot = false;
  if (!take_numbers(in, out.part, dot)) return false;
  const bool more = dot || (out.part.empty() && in.peek() != ']');
  if (more && !take_text(in, out)) return false;
  return in.ch(']') || in.malformed("']' is missing");
}

bool parse_binary_section(imap::Parser& in, Section& out) {
  out = {};
  bool dot = false;
  if (!take_numbers(in, out.part, dot)) return false;
  return (!dot && in.ch(']')) || in.malformed("not a part's number");
}

bool parse_partial(imap::Parser& in, std::optional<Partial>& out) {
  out.reset();
  if (!in.ch('<')) return true;
  const auto origin = in.number();
  if (!origin || !in.ch('.')) return in.malformed("not <origin.length>");
  const auto length = in.number();
  constexpr uint64_t kMost = INT64_MAX;  // number64
  if (!length || *length == 0 || *origin > kMost || *length > kMost || !in.ch('>')) {
    return in.malformed("not <origin.length>");
  }
  out = {*origin, *length};
  return true;
}

void append_section(const Section& section, std::string& out) {
  out += spec_of(section);
  if (!picks_fields(section)) return;
  out += section.text == SectionText::Fields ? ".FIELDS " : ".FIELDS.NOT ";
  char before = '(';
  for (const std::string& name : section.fields) {
    out += before;
    append_astring(name, false, out);
    before = ' ';
  }
  out += ')';
}

Needs needs(const Section& section) {
  if (!section.part.empty()) return Needs::Message;
  return section.text == SectionText::Whole ? Needs::Size : Needs::Header;
}

std::optional<uint64_t> header_length(std::string_view octets, bool whole) {
  // Which octet ends lines is not known before the first LF.
  if (!whole && octets.find('\n') == octets.npos) return std::nullopt;
  mime::FieldReader reader(octets);
  mime::Field field;
  while (reader.next(field)) {
  }
  const uint64_t end = reader.position();
  if (whole) return end;
  const std::string_view header = octets.substr(0, end);
  if (header == "\n" || header == "\r\n" || header.ends_with("\n\n") || header.ends_with("\n\r\n")) return end;
  // It ended with a line that is no field: the reader looked at that line and the next.
  const size_t first = octets.find('\n', end);
  return first == octets.npos || octets.find('\n', first + 1) == octets.npos ? std::nullopt : std::optional(end);
}

Content content_of(const Section& section, std::string_view header, uint64_t size) {
  switch (section.text) {
    case SectionText::Header:
      return stored(mime::Span{0, header.size()});
    case SectionText::Text:
      return stored(mime::Span{header.size(), std::max<uint64_t>(size, header.size()) - header.size()});
    case SectionText::Fields:
    case SectionText::FieldsNot:
      return picked(section, header, mime::line_end_of(header), {0, header.size()});
    case SectionText::Whole:
    case SectionText::Mime:
      break;
  }
  return stored(mime::Span{0, size});
}

Content content_of(const Section& section, const mime::Message& message) {
  const auto span = mime::section(message, spec_of(section));
  if (span && picks_fields(section)) return picked(section, message.bytes, message.line_end, *span);
  return stored(span);
}

Content binary_of(const Section& section, const mime::Message& message, const std::optional<Partial>& partial) {
  const mime::Part* part = part_in(section, message);
  if (part == nullptr) return {};
  Content content;
  if (as_it_stands(section, *part)) {
    content = content_of(section, message);
    if (partial) cut(content, *partial);
    return content;
  }
  if (part->encoding == mime::Encoding::Unknown) return {.kind = Content::Kind::UnknownEncoding};
  content.kind = Content::Kind::Made;
  // No more is kept than is asked for.
  uint64_t skip = partial ? partial->origin : 0;
  const uint64_t most = partial ? partial->length : UINT64_MAX;
  mime::decode_body(message, *part, [&](std::string_view piece) {
    const uint64_t skipped = std::min<uint64_t>(skip, piece.size());
    skip -= skipped;
    content.text += piece.substr(skipped, most - content.text.size());
    return content.text.size() < most;
  });
  return content;
}

Content::Kind binary_size(const Section& section, const mime::Message& message, uint64_t& size) {
  size = 0;
  const mime::Part* part = part_in(section, message);
  if (part == nullptr) return Content::Kind::Missing;
  if (as_it_stands(section, *part)) {
    size = content_of(section, message).size();
    return Content::Kind::Stored;
  }
  if (part->encoding == mime::Encoding::Unknown) return Content::Kind::UnknownEncoding;
  mime::decode_body(message, *part, [&](std::string_view piece) {
    size += piece.size();
    return true;
  });
  return Content::Kind::Made;
}

void cut(Content& content, const Partial& partial) {
  if (content.kind == Content::Kind::Stored) {
    const uint64_t skipped = std::min(partial.origin, content.stored.length);
    content.stored = {content.stored.offset + skipped, std::min(partial.length, content.stored.length - skipped)};
  } else if (content.kind == Content::Kind::Made) {
    const uint64_t skipped = std::min<uint64_t>(partial.origin, content.text.size());
    content.text = content.text.substr(skipped, partial.length);
  }
}

}  // namespace libsync::server

#include "libsync/mime/describe.h"

#include <algorithm>
#include <utility>

#include "libsync/mime/encoded_word.h"

namespace libsync::mime {
namespace {

std::vector<FieldDescription> describe_fields(const Message& message, const Part& part, Converters& converters,
                                              const Limits& limits) {
  std::vector<FieldDescription> result;
  FieldReader reader(message.bytes.substr(0, part.header.end()), message.line_end, part.header.offset);
  Field field;
  while (reader.next(field)) {
    if (result.size() >= limits.header_fields || field.offset - part.header.offset >= limits.header_bytes) break;
    const std::string_view value = field.value.substr(0, limits.value_bytes);
    result.push_back({std::string(field.name), unfold(value), decode_text(value, converters), field.offset});
  }
  return result;
}

}  // namespace

std::string_view name_of(PartKind kind) {
  switch (kind) {
    case PartKind::Multipart:
      return "multipart";
    case PartKind::Message:
      return "message";
    case PartKind::Leaf:
      break;
  }
  return "leaf";
}

MessageDescription describe(const Message& message, Converters& converters, const Limits& limits) {
  MessageDescription result;
  Defects defects = message.defects;
  result.size = message.bytes.size();
  result.envelope = parse_envelope(message.view(message.root().header), converters, limits, &defects);
  result.parts.reserve(message.parts.size());
  for (uint32_t index = 0; index < message.parts.size(); ++index) {
    const Part& part = message.parts[index];
    PartInfo info = part_info(message, part, converters, limits, &defects);
    const bool attachment = is_attachment(part, info);
    result.parts.push_back({index, part.parent, part.depth, part.kind, section_number(message, index), part.type,
                            part.subtype, part.encoding, std::move(info), part.header, part.body, part.body_lines,
                            attachment, describe_fields(message, part, converters, limits)});
  }
  result.defects = defects.list();
  std::ranges::sort(result.defects, {}, [](const Defect& d) { return std::pair(d.offset, d.fault); });
  // The tree's parser and the envelope's find the same header too long.
  const auto same = std::ranges::unique(result.defects);
  result.defects_total = defects.total() - same.size();
  result.defects.erase(same.begin(), same.end());
  return result;
}

}  // namespace libsync::mime

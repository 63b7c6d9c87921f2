// A message as plain values: all that `twinbox mime` shows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/mime/envelope.h"
#include "libsync/mime/message.h"

namespace libsync::mime {

struct FieldDescription {
  std::string name;
  std::string raw;   // unfolded, as sent: may hold any byte but CR and LF
  std::string text;  // decoded UTF-8
  uint64_t offset;
};

struct PartDescription {
  uint32_t index;   // into Message::parts
  uint32_t parent;  // kNoPart for the root
  uint32_t depth;
  PartKind kind;
  std::string number;  // section_number()
  std::string type, subtype;
  Encoding encoding;
  PartInfo info;
  Span header, body;
  uint64_t body_lines;
  bool attachment;
  std::vector<FieldDescription> fields;
};

struct MessageDescription {
  uint64_t size;
  Envelope envelope;
  std::vector<PartDescription> parts;  // in the order of the tree, parents first
  std::vector<Defect> defects;         // of the tree, the envelope and the parts' headers; sorted by offset
  uint64_t defects_total;
};

MessageDescription describe(const Message& message, Converters& converters, const Limits& limits = {});

std::string_view name_of(PartKind kind);  // "leaf", "multipart", "message"

}  // namespace libsync::mime

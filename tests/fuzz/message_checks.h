// What must hold for any message, however it came about.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/text.h"
#include "libsync/mime/body.h"
#include "libsync/mime/describe.h"
#include "libsync/mime/filename.h"

namespace libsync::fuzz {

inline void check_tree(const mime::Message& message, size_t size) {
  for (uint32_t i = 0; i < message.parts.size(); ++i) {
    const mime::Part& part = message.parts[i];
    if (part.header.end() != part.body.offset || part.body.end() > size || part.body_lines > part.body.length) {
      std::abort();
    }
    if (i > 0) {
      const mime::Part& parent = message.parts[part.parent];
      if (part.parent >= i || part.header.offset < parent.body.offset || part.body.end() > parent.body.end()) {
        std::abort();
      }
    }
    const std::string number = mime::section_number(message, i);
    if (!number.empty() && !mime::section(message, number)) std::abort();
  }
}

// Tree, sections, descriptions, bodies and text.
inline void check_message(std::string_view bytes) {
  const mime::Message message = mime::parse(bytes);
  check_tree(message, bytes.size());
  mime::Converters converters;
  for (const mime::PartDescription& part : mime::describe(message, converters).parts) {
    const std::string name = mime::safe_filename(part.info.filename);
    if (name.empty() || name.find('/') != name.npos || name[0] == '.' || !is_valid_utf8(name)) std::abort();
  }
  std::vector<uint32_t> used;
  const std::string text = mime::text_of(message, converters, {.max_bytes = 4096, .attachments = true}, &used);
  for (const uint32_t index : used) {
    if (index >= message.parts.size()) std::abort();
  }
  if (text.size() > 4096 || !is_valid_utf8(text)) std::abort();
}

}  // namespace libsync::fuzz

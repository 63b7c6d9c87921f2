// A whole message: tree, sections, descriptions, bodies and text. Checks what must hold for any bytes.
#include <cstdlib>

#include "libsync/base/text.h"
#include "libsync/mime/body.h"
#include "libsync/mime/describe.h"
#include "libsync/mime/filename.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace libsync::mime;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Message m = parse(bytes);
  for (uint32_t i = 0; i < m.parts.size(); ++i) {
    const Part& p = m.parts[i];
    if (p.header.end() != p.body.offset || p.body.end() > size || p.body_lines > p.body.length) std::abort();
    if (i > 0) {
      const Part& parent = m.parts[p.parent];
      if (p.parent >= i || p.header.offset < parent.body.offset || p.body.end() > parent.body.end()) std::abort();
    }
    const std::string number = section_number(m, i);
    if (!number.empty() && !section(m, number)) std::abort();
  }
  Converters converters;
  for (const PartDescription& part : describe(m, converters).parts) {
    const std::string name = safe_filename(part.info.filename);
    if (name.empty() || name.find('/') != name.npos || name[0] == '.' || !libsync::is_valid_utf8(name)) std::abort();
  }
  std::vector<uint32_t> used;
  const std::string text = text_of(m, converters, {.max_bytes = 4096, .attachments = true}, &used);
  for (const uint32_t index : used) {
    if (index >= m.parts.size()) std::abort();
  }
  if (text.size() > 4096 || !libsync::is_valid_utf8(text)) std::abort();
  return 0;
}

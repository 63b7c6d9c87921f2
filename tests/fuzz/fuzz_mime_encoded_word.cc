// Encoded words in a field's value: what comes out is UTF-8 on one line, and text without a word in it stays as it is.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libsync/base/text.h"
#include "libsync/mime/encoded_word.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace libsync;
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view kLineEnds("\r\n\0", 3);
  mime::Converters converters;
  mime::Defects defects;
  const std::string text = mime::decode_text(value, converters, &defects);
  if (!is_valid_utf8(text) || text.find_first_of(kLineEnds) != text.npos) std::abort();
  if (mime::decode_text(value, converters) != text) std::abort();  // converters that are open give the same
  const bool plain = value.find("=?") == value.npos && value.find_first_of(kLineEnds) == value.npos;
  if (plain && is_valid_utf8(value) && text != trim(value)) std::abort();
  return 0;
}

// Content-Type, Content-Disposition and their parameters with RFC 2231, and the file name that is made of one.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libsync/base/text.h"
#include "libsync/mime/filename.h"
#include "libsync/mime/parameter.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace libsync;
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  mime::Defects defects;
  const mime::Structured structured = mime::parse_structured(value, {}, &defects);
  mime::Converters converters;
  const auto parameters = mime::decode_parameters(structured.parameters, converters, {}, &defects);
  if (parameters.size() > structured.parameters.size()) std::abort();
  for (const mime::Parameter& each : parameters) {
    if (!is_valid_utf8(each.value) || mime::find(parameters, each.name) != &each) std::abort();
    const std::string name = mime::safe_filename(each.value);
    if (name.empty() || name.find('/') != name.npos || name[0] == '.' || !is_valid_utf8(name)) std::abort();
    if (mime::safe_filename(name) != name) std::abort();  // what is safe stays as it is
  }
  for (const std::string& language : mime::parse_languages(value)) {
    if (language.empty()) std::abort();
  }
  return 0;
}

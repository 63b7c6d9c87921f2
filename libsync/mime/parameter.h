// Content-Type, Content-Disposition and their parameters (RFC 2045 section 5, RFC 2183, RFC 2231).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/mime/charset.h"
#include "libsync/mime/defect.h"
#include "libsync/mime/limits.h"

namespace libsync::mime {

// As it stands in the field, quotes and backslashes resolved: what BODYSTRUCTURE shows.
struct RawParameter {
  std::string name;  // lower case, with its RFC 2231 marks ("filename*0*")
  std::string value;
};

// As it is meant: sections joined, charset decoded, encoded words (which do not belong here, and occur)
// decoded.
struct Parameter {
  std::string name;       // lower case
  std::string value;      // UTF-8
  std::string charset{};  // as RFC 2231 gave it
  std::string language{};
};

// "type/subtype; …" or "attachment; …".
struct Structured {
  std::string type;     // lower case
  std::string subtype;  // lower case; "" if there is none
  std::vector<RawParameter> parameters;

  const std::string* find(std::string_view name) const;  // raw, exact lower-case name
};

Structured parse_structured(std::string_view value, const Limits& limits = {}, Defects* defects = nullptr);

// Each name once. Where `name` and `name*` both occur the latter counts (RFC 6266's rule, and
// senders'). In the order of first occurrence.
std::vector<Parameter> decode_parameters(const std::vector<RawParameter>& raw, Converters& converters,
                                         const Limits& limits = {}, Defects* defects = nullptr);

const Parameter* find(const std::vector<Parameter>& parameters, std::string_view name);

// "en, zh-CN (comment)" → {"en", "zh-CN"} (RFC 3282).
std::vector<std::string> parse_languages(std::string_view value);

}  // namespace libsync::mime

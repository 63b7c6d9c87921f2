// What SCRAM and OAUTHBEARER share: the GS2 header's saslname (RFC 5801, section 4). Internal to sasl.
#pragma once

#include <string>
#include <string_view>

namespace libsync::sasl {

// "=" and "," escaped.
inline std::string gs2_name(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '=')
      out += "=3D";
    else if (c == ',')
      out += "=2C";
    else
      out += c;
  }
  return out;
}

}  // namespace libsync::sasl

// The exchange of RFC 5802, section 5 (SCRAM-SHA-1), as a script's lines.
#pragma once

#include <cstddef>
#include <string>

#include "libsync/base/base64.h"
#include "libsync/sasl/mechanism.h"

namespace twinbox::test {

struct ScramScript {
  libsync::sasl::Credentials credentials{.user = "user", .password = libsync::Secret("pencil")};
  // Gives the RFC's nonce for as many octets as are wanted.
  libsync::sasl::RandomBytes random = [](size_t) { return *libsync::base64_decode("fyko+d2lbbFgONRv9qkxdawL"); };
  // Base64, each without its line end.
  std::string client_first = libsync::base64_encode("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
  std::string server_first =
      libsync::base64_encode("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096");
  std::string client_final =
      libsync::base64_encode("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
  std::string server_final = libsync::base64_encode("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=");
  std::string server_final_of_another = libsync::base64_encode("v=AmF9pqV8S7suAoZWja4dJRkFsKQ=");
};

}  // namespace twinbox::test

// How a server proves who it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/digest.h"
#include "libsync/base/result.h"

namespace libsync::net {

// SHA-256 of a certificate (DER) or of its public key (SubjectPublicKeyInfo, DER, as RFC 7469 counts
// it); which of the two it is does not matter, one of them must match.
using Pin = Sha256Digest;

// "sha256:" and 64 hex digits, colons between bytes allowed (as openssl x509 -fingerprint prints them),
// or 44 characters of base64. Errc::Config for anything else.
Result<Pin> parse_pin(std::string_view text);

// The versions below TLS 1.2 are never spoken (RFC 8996).
struct TlsOptions {
  // Authorities in PEM, instead of the system's. A certificate that is no root counts as an anchor too.
  std::string ca_file{};
  // If not empty, a pin decides and nothing else: chain, dates and host name are not looked at.
  std::vector<Pin> pins{};
  // The name to ask for and to check, where it is not the host's (a tunnel).
  std::string server_name{};
};

}  // namespace libsync::net

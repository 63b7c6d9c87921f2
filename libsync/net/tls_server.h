// How this program proves who it is where it is the server.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "libsync/base/digest.h"
#include "libsync/base/result.h"
#include "libsync/base/secret.h"

namespace libsync::net {

// In PEM: the certificate, and those between it and its authority behind it; and its private key, without a passphrase.
struct ServerCertificate {
  std::string chain{};
  Secret key{};
};

// A certificate that signs itself, for these names (host names and addresses), of a new key (ECDSA, P-256). Valid from
// a day before `unix_seconds` for kSelfMadeDays: who trusts it does so by its fingerprint.
Result<ServerCertificate> make_certificate(std::span<const std::string> names, int64_t unix_seconds);
inline constexpr int64_t kSelfMadeDays = 3650;

// What all TLS connections of a server share. Thread-safe.
class TlsServer {
 public:
  // Errc::Config: not PEM, or a key of another certificate.
  static Result<std::shared_ptr<TlsServer>> make(const ServerCertificate& certificate);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  const Sha256Digest& fingerprint() const;  // of the certificate: what a client may pin

 private:
  friend class TlsSession;
  struct Impl;
  explicit TlsServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace libsync::net

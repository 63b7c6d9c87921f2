// Whether a server's certificate is accepted, and the words for when it is not. Inside net only.
#pragma once

#include <optional>
#include <string>

#include <openssl/ssl.h>

#include "libsync/base/result.h"
#include "libsync/base/trace.h"
#include "libsync/net/tls_options.h"

namespace libsync::net {

// Judges the certificate of one handshake. Must outlive the SSL it is attached to.
class Verifier {
 public:
  // `host`: for messages; `name`: what the certificate must be for.
  // `trace` hears what certificate came, before it is judged; may be null.
  Verifier(std::string host, std::string name, const TlsOptions& options, Trace* trace);

  Status attach(SSL_CTX* context, SSL* ssl);

  // Why the certificate was refused; nothing if it was not.
  const std::optional<Error>& error() const { return error_; }

 private:
  static int on_verify(X509_STORE_CTX* chain, void* self);
  bool accept(X509_STORE_CTX* chain);
  bool pinned(X509* certificate);
  Error words_for(X509* leaf, int code) const;

  std::string host_, name_;
  const TlsOptions& options_;
  Trace* trace_;
  std::optional<Error> error_;
};

Sha256Digest certificate_digest(X509* certificate);
std::string subject_of(X509* certificate);       // common name, or first name it is for; printable
std::string expiry_of(const X509* certificate);  // "2027-03-01 12:00 UTC"

}  // namespace libsync::net

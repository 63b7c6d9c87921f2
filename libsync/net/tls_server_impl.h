// What tls_session.cc needs of tls_server.cc. Inside net only.
#pragma once

#include <openssl/ssl.h>

#include "libsync/base/digest.h"
#include "libsync/net/openssl_owned.h"
#include "libsync/net/tls_server.h"

namespace libsync::net {

struct TlsServer::Impl {
  Owned<SSL_CTX, SSL_CTX_free> context;
  Sha256Digest fingerprint{};
};

// TLS 1.2 and later (RFC 8996), no renegotiation, no compression; writes as SocketChannel makes them.
inline void set_common_options(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

}  // namespace libsync::net

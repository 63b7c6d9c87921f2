#include "libsync/net/tls_session.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "libsync/base/digest.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/net/openssl_owned.h"
#include "libsync/net/tls_server_impl.h"
#include "libsync/net/tls_verify.h"

namespace libsync::net {
namespace {

// One read of the socket takes what a fast server has sent meanwhile, instead of one record. (OpenSSL's own reading
// ahead moves all that is left in its buffer to the front for every record.)
constexpr size_t kReadAhead = 256 << 10;

// The first byte of every TLS stream: a handshake record, or an alert.
constexpr unsigned char kHandshakeRecord = 22, kAlertRecord = 21;

// What the BIO needs, and what it saw that OpenSSL's error queue does not tell.
struct Wire {
  Socket* socket = nullptr;
  bool eof = false;
  int error = 0;
  std::optional<unsigned char> first{};
  std::vector<char> ahead{};
  std::string_view left{};  // of `ahead`, not yet OpenSSL's
};

Wire& wire_of(BIO* bio) { return *static_cast<Wire*>(BIO_get_data(bio)); }

int bio_read(BIO* bio, char* out, int size) {
  BIO_clear_retry_flags(bio);
  auto& wire = wire_of(bio);
  const auto take = [&] {
    const size_t n = std::min(wire.left.size(), static_cast<size_t>(size));
    std::memcpy(out, wire.left.data(), n);
    wire.left.remove_prefix(n);
    return static_cast<int>(n);
  };
  if (!wire.left.empty()) return take();
  const auto result = wire.socket->read_some(wire.ahead);
  switch (result.io) {
    case Io::Done:
      wire.left = {wire.ahead.data(), result.bytes};
      if (!wire.first) wire.first = static_cast<unsigned char>(wire.left.front());
      return take();
    case Io::Closed:
      wire.eof = true;
      return 0;
    case Io::WouldBlock:
      BIO_set_retry_read(bio);
      return -1;
    case Io::Failed:
      break;
  }
  wire.error = result.error;
  return -1;
}

int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  auto& wire = wire_of(bio);
  const auto result = wire.socket->write_some({bytes, static_cast<size_t>(size)});
  if (result.io == Io::Done) return static_cast<int>(result.bytes);
  if (result.io == Io::WouldBlock) {
    BIO_set_retry_write(bio);
  } else {
    wire.error = result.error;
  }
  return -1;
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return wire_of(bio).eof ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// OpenSSL's own socket BIO uses write(), which raises SIGPIPE.
const BIO_METHOD* wire_method() {
  static const Owned<BIO_METHOD, BIO_meth_free> method = [] {
    Owned<BIO_METHOD, BIO_meth_free> made(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "twinbox socket"));
    BIO_meth_set_read(made.get(), bio_read);
    BIO_meth_set_write(made.get(), bio_write);
    BIO_meth_set_ctrl(made.get(), bio_control);
    return made;
  }();
  return method.get();
}

std::string tls_version_text(const SSL* ssl) { return SSL_get_version(ssl); }

// RFC 5929, section 4.1: the hash of the certificate's own signature, SHA-256 in place of MD5 and SHA-1.
std::string end_point_binding(X509* certificate) {
  int hash = NID_undef;
  if (X509_get_signature_info(certificate, &hash, nullptr, nullptr, nullptr) != 1 || hash == NID_undef) return {};
  const EVP_MD* digest = hash == NID_md5 || hash == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(hash);
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (digest == nullptr || X509_digest(certificate, digest, bytes, &size) != 1) return {};
  return {reinterpret_cast<char*>(bytes), size};
}

std::string exporter_binding(SSL* ssl) {
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  if (SSL_version(ssl) < TLS1_3_VERSION) return {};
  unsigned char bytes[32];
  if (SSL_export_keying_material(ssl, bytes, sizeof bytes, kLabel.data(), kLabel.size(), nullptr, 0, 1) != 1) return {};
  return {reinterpret_cast<char*>(bytes), sizeof bytes};
}

}  // namespace

struct TlsSession::Impl {
  Impl(Socket& socket_in, const std::string& host_in, uint16_t port_in, size_t read_ahead)
      : socket(socket_in), host(host_in), port(port_in) {
    wire.socket = &socket;
    wire.ahead.resize(read_ahead);
  }

  Socket& socket;
  std::string host;
  uint16_t port;
  Wire wire;
  std::optional<Verifier> verifier{};  // of the client
  std::shared_ptr<TlsServer> server{};
  Owned<SSL_CTX, SSL_CTX_free> context;
  Owned<SSL, SSL_free> ssl;
  TlsInfo info;
  std::optional<Error> failure;
  bool wants_write = false;

  Status begin(SSL_CTX* context);
  Error handshake_error() const;
  Error client_error(unsigned long code) const;
  Error stream_error() const;
  void learn();
};

TlsSession::TlsSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsSession::~TlsSession() = default;
const TlsInfo& TlsSession::info() const { return impl_->info; }
const Error& TlsSession::failure() const { return *impl_->failure; }
bool TlsSession::read_wants_write() const { return impl_->wants_write; }

Status TlsSession::Impl::begin(SSL_CTX* of) {
  ssl.reset(SSL_new(of));
  BIO* bio = BIO_new(wire_method());
  if (ssl == nullptr || bio == nullptr) {
    BIO_free(bio);
    return fail(Errc::Internal, say("TLS cannot be set up"));
  }
  BIO_set_data(bio, &wire);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl.get(), bio, bio);
  return {};
}

Result<std::unique_ptr<TlsSession>> TlsSession::make(Socket& socket, const TlsOptions& options, const std::string& host,
                                                     uint16_t port, Trace* trace) {
  std::string name = options.server_name.empty() ? host : options.server_name;
  if (name.ends_with('.')) name.pop_back();  // the root's dot is in no certificate
  auto impl = std::make_unique<Impl>(socket, host, port, kReadAhead);
  impl->verifier.emplace(host, name, options, trace);
  impl->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = impl->context.get();
  if (context == nullptr) return fail(Errc::Internal, say("TLS cannot be set up"));
  set_common_options(context);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  TB_TRY(impl->begin(context));
  TB_TRY(impl->verifier->attach(context, impl->ssl.get()));
  // RFC 6066, section 3: no address and no final dot in the server's name.
  if (!is_ip_address(name))
    SSL_ctrl(impl->ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  SSL_set_connect_state(impl->ssl.get());
  return std::unique_ptr<TlsSession>(new TlsSession(std::move(impl)));
}

Result<std::unique_ptr<TlsSession>> TlsSession::serve(Socket& socket, std::shared_ptr<TlsServer> server,
                                                      const std::string& client, uint16_t port, size_t read_ahead) {
  auto impl = std::make_unique<Impl>(socket, client, port, read_ahead);
  impl->server = std::move(server);
  TB_TRY(impl->begin(impl->server->impl_->context.get()));
  SSL_set_accept_state(impl->ssl.get());
  return std::unique_ptr<TlsSession>(new TlsSession(std::move(impl)));
}

Status TlsSession::handshake(Deadline deadline, const std::stop_token& stop) {
  SSL* ssl = impl_->ssl.get();
  for (;;) {
    ERR_clear_error();
    const int status = SSL_do_handshake(ssl);
    if (status == 1) break;
    const int why = SSL_get_error(ssl, status);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return fail(impl_->handshake_error());
    switch (impl_->socket.wait(why == SSL_ERROR_WANT_READ, why == SSL_ERROR_WANT_WRITE, deadline, stop)) {
      case Socket::Ready::Yes:
        break;
      case Socket::Ready::Cancelled:
        return fail(cancelled());
      case Socket::Ready::TimedOut:
        return fail(
            {.code = Errc::Network,
             .what = say("{}:{} did not finish the TLS handshake in time", impl_->host, impl_->port),
             .hint = say("a server that waits for plain text looks like this too: see whether the port is right"),
             .retry = true});
    }
  }
  impl_->learn();
  return {};
}

void TlsSession::Impl::learn() {
  info.version = tls_version_text(ssl.get());
  info.cipher = SSL_get_cipher_name(ssl.get());
  X509* certificate = server ? SSL_get_certificate(ssl.get()) : SSL_get0_peer_certificate(ssl.get());
  info.fingerprint_sha256 = to_hex(certificate_digest(certificate));
  info.subject = subject_of(certificate);
  info.expires = expiry_of(certificate);
  info.tls_server_end_point = end_point_binding(certificate);
  info.tls_exporter = exporter_binding(ssl.get());
}

Error TlsSession::Impl::handshake_error() const {
  const auto code = ERR_get_error();
  const int reason = ERR_GET_REASON(code);
  if (server) return client_error(code);
  if (verifier->error()) return *verifier->error();
  if (wire.first && *wire.first != kHandshakeRecord && *wire.first != kAlertRecord)
    return {.code = Errc::Protocol,  // as of any server that speaks another protocol: later it won't work either
            .what = say("{}:{} does not speak TLS on this port", host, port),
            .hint = say("use the port for TLS, or starttls, or plain in the account's address")};
  if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION ||
      reason == SSL_R_NO_PROTOCOLS_AVAILABLE)
    return {.code = Errc::Tls,
            .what = say("{}:{} speaks only TLS versions that are too old", host, port),
            .hint = say("TLS 1.2 is the oldest that is safe; the server's owner must update it")};
  if (wire.error != 0) return lost(say("{}:{}", host, port), wire.error);
  if (wire.eof)
    return {.code = Errc::Network,
            .what = say("{}:{} closed the connection during the TLS handshake", host, port),
            .hint = wire.first ? std::string() : say("a port without TLS may look like this: see whether it is right"),
            .retry = true};
  const char* words = ERR_reason_error_string(code);
  return {.code = Errc::Tls,
          .what = say("the TLS handshake with {}:{} failed: {}", host, port, words != nullptr ? words : "?")};
}

// What a client did.
Error TlsSession::Impl::client_error(unsigned long code) const {
  if (wire.error != 0) return lost(host, wire.error);
  if (wire.eof) return {.code = Errc::Network, .what = say("{} left during the TLS handshake", host)};
  const char* words = ERR_reason_error_string(code);
  return {.code = Errc::Tls, .what = say("the TLS handshake with {} failed: {}", host, words != nullptr ? words : "?")};
}

Error TlsSession::Impl::stream_error() const {
  if (wire.error != 0) return lost(host, wire.error);
  if (wire.eof)
    return {.code = Errc::Network,
            .what = say("the connection to {} was cut off: it ended without TLS's closing message", host),
            .retry = true};
  const char* words = ERR_reason_error_string(ERR_get_error());
  return {.code = Errc::Network,
          .what = say("the TLS connection to {} broke: {}", host, words != nullptr ? words : "?"),
          .retry = true};
}

IoResult TlsSession::read_some(std::span<char> out) {
  SSL* ssl = impl_->ssl.get();
  IoResult result{.io = Io::WouldBlock};
  impl_->wants_write = false;
  while (!impl_->failure && result.bytes < out.size()) {
    ERR_clear_error();
    size_t n = 0;
    if (SSL_read_ex(ssl, out.data() + result.bytes, out.size() - result.bytes, &n) == 1) {
      result.bytes += n;
      continue;
    }
    const int why = SSL_get_error(ssl, 0);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
      impl_->wants_write = why == SSL_ERROR_WANT_WRITE;
    } else if (why == SSL_ERROR_ZERO_RETURN) {
      result.io = Io::Closed;
    } else {
      impl_->failure = impl_->stream_error();
    }
    break;
  }
  // What came before the end is handed out first; the end is still there the next time.
  if (result.bytes != 0) {
    result.io = Io::Done;
  } else if (impl_->failure) {
    result.io = Io::Failed;
  }
  return result;
}

IoResult TlsSession::write_some(std::string_view bytes) {
  ERR_clear_error();
  size_t n = 0;
  if (SSL_write_ex(impl_->ssl.get(), bytes.data(), bytes.size(), &n) == 1) return {.io = Io::Done, .bytes = n};
  const int why = SSL_get_error(impl_->ssl.get(), 0);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return {.io = Io::WouldBlock};
  // Kept apart from failure: what the server said last may still be read.
  return {.io = Io::Failed, .error = impl_->wire.error != 0 ? impl_->wire.error : EPIPE};
}

void TlsSession::close_notify() {
  ERR_clear_error();
  if (!impl_->failure && SSL_is_init_finished(impl_->ssl.get()) == 1) SSL_shutdown(impl_->ssl.get());
  ERR_clear_error();
}

}  // namespace libsync::net

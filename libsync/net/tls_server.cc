#include "libsync/net/tls_server.h"

#include <array>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/net/openssl_owned.h"
#include "libsync/net/resolve.h"
#include "libsync/net/tls_server_impl.h"
#include "libsync/net/tls_verify.h"

namespace libsync::net {
namespace {

using Bio = Owned<BIO, BIO_free>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using X509Owned = Owned<X509, X509_free>;

constexpr int64_t kDay = 86'400;

std::unexpected<Error> cannot_make() { return fail(Errc::Internal, say("no certificate could be made")); }

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<size_t>(size)};
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// Below a comma or a line end another entry would begin.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:_") == name.npos;
}

bool fill(X509* certificate, EVP_PKEY* key, std::span<const std::string> names, int64_t unix_seconds) {
  std::array<unsigned char, 16> serial{};
  if (RAND_bytes(serial.data(), serial.size()) != 1) return false;
  serial[0] &= 0x7F;  // RFC 5280, section 4.1.2.2: positive
  const Owned<BIGNUM, BN_free> number(BN_bin2bn(serial.data(), serial.size(), nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate));
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_TIME_set(X509_getm_notBefore(certificate), unix_seconds - kDay);
  ASN1_TIME_set(X509_getm_notAfter(certificate), unix_seconds + kSelfMadeDays * kDay);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  const auto* common = reinterpret_cast<const unsigned char*>(names.front().c_str());
  if (X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common, -1, -1, 0) != 1) return false;
  X509_set_issuer_name(certificate, subject);
  std::string alternatives;
  for (const std::string& name : names) {
    alternatives += (alternatives.empty() ? "" : ",") + std::string(is_ip_address(name) ? "IP:" : "DNS:") + name;
  }
  return add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
         add_extension(certificate, NID_subject_alt_name, alternatives) &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

}  // namespace

Result<ServerCertificate> make_certificate(std::span<const std::string> names, int64_t unix_seconds) {
  if (names.empty()) return fail(Errc::Usage, say("a certificate is for at least one name"));
  for (const std::string& name : names) {
    if (!is_plain_name(name)) return fail(Errc::Usage, say("\"{}\" is no host name", printable(name, 80)));
  }
  const Key key(EVP_EC_gen("P-256"));
  const X509Owned certificate(X509_new());
  if (key == nullptr || certificate == nullptr || !fill(certificate.get(), key.get(), names, unix_seconds)) {
    ERR_clear_error();
    return cannot_make();
  }
  const Bio chain(BIO_new(BIO_s_mem())), secret(BIO_new(BIO_s_secmem()));
  if (PEM_write_bio_X509(chain.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return cannot_make();
  }
  return ServerCertificate{.chain = text_of(chain.get()), .key = Secret(text_of(secret.get()))};
}

TlsServer::TlsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsServer::~TlsServer() = default;
const Sha256Digest& TlsServer::fingerprint() const { return impl_->fingerprint; }

Result<std::shared_ptr<TlsServer>> TlsServer::make(const ServerCertificate& certificate) {
  auto impl = std::make_unique<Impl>();
  impl->context.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = impl->context.get();
  if (context == nullptr) return fail(Errc::Internal, say("TLS cannot be set up"));
  set_common_options(context);
  const auto wrong = [](std::string what) {
    ERR_clear_error();
    return fail(Errc::Config, std::move(what));
  };
  const auto none = [](char*, int, int, void*) { return -1; };  // nobody is asked for a passphrase
  const Bio chain(BIO_new_mem_buf(certificate.chain.data(), static_cast<int>(certificate.chain.size())));
  const X509Owned own(PEM_read_bio_X509(chain.get(), nullptr, none, nullptr));
  if (own == nullptr) return wrong(say("no certificate in PEM there"));
  if (SSL_CTX_use_certificate(context, own.get()) != 1) return wrong(say("a certificate that can't be used"));
  while (X509* more = PEM_read_bio_X509(chain.get(), nullptr, none, nullptr)) {
    if (SSL_CTX_add_extra_chain_cert(context, more) == 1) continue;
    X509_free(more);
    return wrong(say("a chain of certificates that can't be used"));
  }
  ERR_clear_error();  // the end of the chain is one
  const std::string& key_text = certificate.key.reveal();
  const Bio key_bio(BIO_new_mem_buf(key_text.data(), static_cast<int>(key_text.size())));
  const Key key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, none, nullptr));
  if (key == nullptr) return wrong(say("no private key in PEM there, or one with a passphrase"));
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return wrong(say("the private key is that of another certificate"));
  }
  impl->fingerprint = certificate_digest(own.get());
  return std::shared_ptr<TlsServer>(new TlsServer(std::move(impl)));
}

}  // namespace libsync::net

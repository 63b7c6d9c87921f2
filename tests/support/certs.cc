#include "tests/support/certs.h"

#include <atomic>
#include <stdexcept>

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "libsync/base/digest.h"

namespace twinbox::test {
namespace {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using X509Owned = std::unique_ptr<X509, Freer<X509_free>>;

void must(bool ok) {
  if (!ok) throw std::runtime_error("OpenSSL could not make a test certificate");
}

std::string pem_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string text(bytes, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

std::string cert_pem(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  must(PEM_write_bio_X509(bio, certificate) == 1);
  return pem_of(bio);
}

std::string key_pem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  must(PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return pem_of(bio);
}

Key make_key() { return Key(EVP_EC_gen("P-256")); }

void set_name(X509_NAME* name, const std::string& common_name) {
  if (common_name.empty()) return;
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.data()),
                                  static_cast<int>(common_name.size()), -1, 0) == 1);
}

void add_extension(X509* certificate, int nid, const char* value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
  must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

// Built by hand, not from text: a NUL in a name must get through.
void add_names(X509* certificate, const CertSpec& spec) {
  if (spec.dns.empty() && spec.ips.empty()) return;
  GENERAL_NAMES* names = GENERAL_NAMES_new();
  const auto add = [names](int type, ASN1_STRING* value) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, type, value);
    sk_GENERAL_NAME_push(names, name);
  };
  for (const auto& dns : spec.dns) {
    ASN1_IA5STRING* value = ASN1_IA5STRING_new();
    ASN1_STRING_set(value, dns.data(), static_cast<int>(dns.size()));
    add(GEN_DNS, value);
  }
  for (const auto& ip : spec.ips) {
    unsigned char bytes[16];
    const bool v6 = ip.find(':') != std::string::npos;
    must(inet_pton(v6 ? AF_INET6 : AF_INET, ip.c_str(), bytes) == 1);
    ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
    ASN1_STRING_set(value, bytes, v6 ? 16 : 4);
    add(GEN_IPADD, value);
  }
  must(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1);
  GENERAL_NAMES_free(names);
}

X509Owned make(const CertSpec& spec, EVP_PKEY* key, bool authority, X509* issuer, EVP_PKEY* issuer_key) {
  static std::atomic<long> serial{1};
  X509Owned made(X509_new());
  X509* certificate = made.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), spec.valid_from);
  X509_gmtime_adj(X509_getm_notAfter(certificate), spec.valid_to);
  X509_set_pubkey(certificate, key);
  set_name(X509_get_subject_name(certificate), spec.common_name);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer != nullptr ? issuer : certificate));
  add_extension(certificate, NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (authority) add_extension(certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  add_names(certificate, spec);
  must(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
  return made;
}

Certificate finished(X509* certificate, EVP_PKEY* key) {
  unsigned char* der = nullptr;
  int size = i2d_X509(certificate, &der);
  const auto whole = libsync::to_hex(libsync::sha256({reinterpret_cast<char*>(der), static_cast<size_t>(size)}));
  OPENSSL_free(der);
  der = nullptr;
  size = i2d_PUBKEY(key, &der);
  const auto public_key = libsync::to_hex(libsync::sha256({reinterpret_cast<char*>(der), static_cast<size_t>(size)}));
  OPENSSL_free(der);
  return {
      .cert_pem = cert_pem(certificate), .key_pem = key_pem(key), .fingerprint = whole, .key_fingerprint = public_key};
}

}  // namespace

struct CertAuthority::Impl {
  Key key = make_key();
  X509Owned certificate;
  std::string pem;
};

CertAuthority::CertAuthority(const std::string& name) : impl_(std::make_unique<Impl>()) {
  const CertSpec spec{.common_name = name};
  impl_->certificate = make(spec, impl_->key.get(), true, nullptr, impl_->key.get());
  impl_->pem = cert_pem(impl_->certificate.get());
}

CertAuthority::~CertAuthority() = default;

const std::string& CertAuthority::pem() const { return impl_->pem; }

Certificate CertAuthority::issue(const CertSpec& spec) const {
  const auto key = make_key();
  return finished(make(spec, key.get(), false, impl_->certificate.get(), impl_->key.get()).get(), key.get());
}

Certificate CertAuthority::issue_local() const {
  return issue({.common_name = "localhost", .dns = {"localhost"}, .ips = {"127.0.0.1", "::1"}});
}

Certificate self_signed(const CertSpec& spec) {
  const auto key = make_key();
  return finished(make(spec, key.get(), false, nullptr, key.get()).get(), key.get());
}

}  // namespace twinbox::test

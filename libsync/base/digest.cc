#include "libsync/base/digest.h"

#include <openssl/evp.h>

namespace libsync {

struct Sha256::Context {
  EVP_MD_CTX* md = EVP_MD_CTX_new();
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { EVP_MD_CTX_free(md); }
};

namespace {
// EVP_sha256() looks the algorithm up at each use; fetching it once is several times faster for
// small messages.
const EVP_MD* algorithm() {
  static const EVP_MD* md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}
}  // namespace

Sha256::Sha256() : context_(std::make_unique<Context>()) { EVP_DigestInit_ex2(context_->md, algorithm(), nullptr); }
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view bytes) { EVP_DigestUpdate(context_->md, bytes.data(), bytes.size()); }

Sha256Digest Sha256::finish() {
  Sha256Digest digest;
  EVP_DigestFinal_ex(context_->md, digest.data(), nullptr);
  EVP_DigestInit_ex2(context_->md, algorithm(), nullptr);
  return digest;
}

Sha256Digest sha256(std::string_view bytes) {
  thread_local Sha256 hash;  // a new context costs more than the hash of a small message
  hash.update(bytes);
  return hash.finish();
}

std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(bytes.size() * 2, '\0');
  size_t at = 0;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    out[at++] = kDigits[byte >> 4];
    out[at++] = kDigits[byte & 15];
  }
  return out;
}

std::string to_hex(const Sha256Digest& digest) {
  return to_hex(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

}  // namespace libsync

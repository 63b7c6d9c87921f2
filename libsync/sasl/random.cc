#include <openssl/rand.h>

#include "libsync/sasl/mechanism.h"

namespace libsync::sasl {

std::string system_random(size_t bytes) {
  std::string out(bytes, '\0');
  // It fails only where the system has no randomness at all; the mechanisms refuse an empty answer.
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(bytes)) != 1) return {};
  return out;
}

}  // namespace libsync::sasl

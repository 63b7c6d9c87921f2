// SCRAM's limits (RFC 5802, RFC 7677).
#pragma once

#include <cstddef>
#include <cstdint>

namespace libsync::sasl {

// RFC 5802, section 5.1 and RFC 7677, section 4: servers announce at least 4,096. Fewer would make
// guessing the password from the exchange cheap.
inline constexpr uint32_t kMinScramIterations = 4096;
// About two seconds of SHA-256 on a slow machine; no server in use announces as many.
inline constexpr uint32_t kMaxScramIterations = 2'000'000;
inline constexpr size_t kMaxScramSalt = 1024;   // in use: 12 to 64 octets
inline constexpr size_t kMaxScramNonce = 1024;  // both parts together; in use: below 100
inline constexpr size_t kScramNonceBytes = 18;  // of randomness, as 24 characters of base64

}  // namespace libsync::sasl

// HMAC and PBKDF2 by OpenSSL, on strings of raw bytes. For sasl and POP3's APOP.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace libsync::sasl {

enum class Hash { Md5, Sha1, Sha256 };

std::string digest(Hash hash, std::string_view bytes);
std::string hmac(Hash hash, std::string_view key, std::string_view bytes);
// As long as the hash's result: SCRAM's Hi() (RFC 5802, section 2.2). `iterations` at least 1.
std::string pbkdf2(Hash hash, std::string_view password, std::string_view salt, uint32_t iterations);
// In a time that does not depend on where they differ.
bool equal(std::string_view a, std::string_view b);

}  // namespace libsync::sasl

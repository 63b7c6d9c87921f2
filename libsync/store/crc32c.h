// CRC-32C (Castagnoli, RFC 3720 appendix B.4): finds torn and rotten bytes in segments. Not a defence
// against forgery; SHA-256 is.
#pragma once

#include <cstdint>
#include <string_view>

namespace libsync::store {

// Of `bytes`, or continued from the CRC of what came before. "123456789" gives 0xE3069283.
uint32_t crc32c(std::string_view bytes, uint32_t before = 0);

}  // namespace libsync::store

#include "libsync/store/crc32c.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace libsync::store {
namespace {

constexpr uint32_t kPolynomial = 0x82F63B78;  // 0x1EDC6F41, reflected

using Table = std::array<std::array<uint32_t, 256>, 8>;

constexpr Table make_table() {
  Table table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[0][i] = crc;
  }
  for (size_t slice = 1; slice < 8; ++slice) {
    for (size_t i = 0; i < 256; ++i) {
      const uint32_t previous = table[slice - 1][i];
      table[slice][i] = (previous >> 8) ^ table[0][previous & 0xFF];
    }
  }
  return table;
}
constexpr Table kTable = make_table();

// Eight bytes a step ("slicing by 8").
uint32_t crc_portable(uint32_t crc, const char* data, size_t size) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(data[i]); };
  for (; size >= 8; data += 8, size -= 8) {
    crc = kTable[7][(crc ^ byte(0)) & 0xFF] ^ kTable[6][((crc >> 8) ^ byte(1)) & 0xFF] ^
          kTable[5][((crc >> 16) ^ byte(2)) & 0xFF] ^ kTable[4][((crc >> 24) ^ byte(3)) & 0xFF] ^ kTable[3][byte(4)] ^
          kTable[2][byte(5)] ^ kTable[1][byte(6)] ^ kTable[0][byte(7)];
  }
  for (size_t i = 0; i < size; ++i) crc = (crc >> 8) ^ kTable[0][(crc ^ byte(i)) & 0xFF];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc_sse42(uint32_t crc, const char* data, size_t size) {
  uint64_t wide = crc;
  for (; size >= 8; data += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, data, 8);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  auto narrow = static_cast<uint32_t>(wide);
  for (; size > 0; ++data, --size) narrow = __builtin_ia32_crc32qi(narrow, static_cast<unsigned char>(*data));
  return narrow;
}
#endif

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t before) {
#if defined(__x86_64__)
  static const bool fast = __builtin_cpu_supports("sse4.2") != 0;
  if (fast) return ~crc_sse42(~before, bytes.data(), bytes.size());
#endif
  return ~crc_portable(~before, bytes.data(), bytes.size());
}

}  // namespace libsync::store

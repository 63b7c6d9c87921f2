// ISO-2022-JP (RFC 1468) as Windows' cp50221 and old mobile phones send it: half-width kana by ESC ( I or
// SO, NEC's and IBM's extra characters in JIS X 0208. iconv's own decoder knows none of these, its cp932
// knows the characters: the codes of JIS X 0208 become Shift-JIS by arithmetic.
#include <array>
#include <cstdint>

#include "libsync/mime/charset.h"

namespace libsync::mime {
namespace {

enum class Set : uint8_t { Ascii, Kana, Kanji, Supplement };

struct Escape {
  std::string_view sequence;
  Set set;
};
constexpr std::array<Escape, 8> kEscapes = {{{"\x1B(B", Set::Ascii},
                                             {"\x1B(J", Set::Ascii},
                                             {"\x1B(H", Set::Ascii},
                                             {"\x1B(I", Set::Kana},
                                             {"\x1B$@", Set::Kanji},
                                             {"\x1B$B", Set::Kanji},
                                             {"\x1B$(B", Set::Kanji},
                                             {"\x1B$(D", Set::Supplement}}};

bool in_94(uint8_t byte) { return byte >= 0x21 && byte <= 0x7E; }

void append_shift_jis(uint8_t row, uint8_t cell, std::string& out) {
  unsigned lead = (row - 0x21U) / 2 + 0x81;
  if (lead > 0x9F) lead += 0x40;
  unsigned trail = row % 2 == 1 ? cell + 0x1FU : cell + 0x7EU;
  if (row % 2 == 1 && trail >= 0x7F) ++trail;
  out += static_cast<char>(static_cast<uint8_t>(lead));
  out += static_cast<char>(static_cast<uint8_t>(trail));
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  // Moves on by one character or escape sequence. False: an escape sequence of another charset.
  bool step(std::string& shift_jis, std::string& supplement, bool& damaged) {
    const auto byte = static_cast<uint8_t>(bytes_[at_]);
    if (byte == 0x1B) return escape(damaged);
    if (byte == 0x0E || byte == 0x0F) {
      set_ = byte == 0x0E ? Set::Kana : Set::Ascii;
      ++at_;
    } else if (byte == '\r' || byte == '\n') {  // a line end ends every shift (RFC 1468)
      set_ = Set::Ascii;
      shift_jis += bytes_[at_++];
    } else if ((set_ == Set::Kanji || set_ == Set::Supplement) && byte != ' ') {
      pair(byte, shift_jis, supplement, damaged);
    } else {
      const bool kana = set_ == Set::Kana && byte >= 0x21 && byte <= 0x5F;
      shift_jis += static_cast<char>(kana ? byte | 0x80U : byte);
      ++at_;
    }
    return true;
  }
  bool done() const { return at_ >= bytes_.size(); }

 private:
  bool escape(bool& damaged) {
    for (const Escape& known : kEscapes) {
      if (!bytes_.substr(at_).starts_with(known.sequence)) continue;
      set_ = known.set;
      at_ += known.sequence.size();
      return true;
    }
    if (bytes_.substr(at_).starts_with("\x1B$") || bytes_.substr(at_).starts_with("\x1B.")) return false;
    damaged = true;
    ++at_;
    return true;
  }

  void pair(uint8_t byte, std::string& shift_jis, std::string& supplement, bool& damaged) {
    const auto cell = at_ + 1 < bytes_.size() ? static_cast<uint8_t>(bytes_[at_ + 1]) : uint8_t{0};
    if (!in_94(byte) || !in_94(cell)) {
      damaged = true;
      ++at_;
      return;
    }
    at_ += 2;
    if (set_ == Set::Kanji) return append_shift_jis(byte, cell, shift_jis);
    supplement += '\x8F';
    supplement += static_cast<char>(byte | 0x80U);
    supplement += static_cast<char>(cell | 0x80U);
  }

  std::string_view bytes_;
  size_t at_ = 0;
  Set set_ = Set::Ascii;
};

}  // namespace

bool Converters::convert_iso2022jp(std::string_view bytes, std::string& out, size_t& bad) {
  const size_t begin = out.size();
  Reader reader(bytes);
  std::string shift_jis;
  std::string supplement;
  const auto flush = [&](std::string_view name, std::string& run) {
    if (!run.empty()) convert(name, run, out, bad);
    run.clear();
  };
  while (!reader.done()) {
    bool damaged = false;
    if (!reader.step(shift_jis, supplement, damaged)) {  // ISO-2022-JP-2's Chinese, Korean, Greek
      out.resize(begin);
      bad = 0;
      return convert("ISO-2022-JP-2", bytes, out, bad);
    }
    if (!supplement.empty()) {
      flush("CP932", shift_jis);
      flush("EUC-JP", supplement);
    }
    if (damaged) {
      flush("CP932", shift_jis);
      append_code_point(0xFFFD, out);
      ++bad;
    }
  }
  flush("CP932", shift_jis);
  return true;
}

}  // namespace libsync::mime

// Content-Transfer-Encoding (RFC 2045, section 6), with the damages that occur.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libsync/mime/defect.h"

namespace libsync::mime {

enum class Encoding : uint8_t { SevenBit, EightBit, Binary, QuotedPrintable, Base64, Uuencode, Unknown };

// Of a field's value; comments, quotes and case do not matter. Empty: SevenBit.
Encoding encoding_of(std::string_view value);
std::string_view name_of(Encoding encoding);  // "quoted-printable"
// The encoding's name alone, as sent: without comments and quotes around it.
std::string_view encoding_token(std::string_view value);
constexpr bool is_identity(Encoding e) {
  return e != Encoding::QuotedPrintable && e != Encoding::Base64 && e != Encoding::Uuencode;
}

// Decodes a body in pieces of any size, in constant memory. Defects carry offsets into the encoded text.
class TransferDecoder {
 public:
  explicit TransferDecoder(Encoding encoding, Defects* defects = nullptr) : encoding_(encoding), defects_(defects) {}
  void feed(std::string_view in, std::string& out);
  void finish(std::string& out);  // once, behind the last piece

 private:
  enum class State : uint8_t { Text, Equals, EqualsHex, EqualsSpace, EqualsCr, Padding, Inside, Ended };
  void feed_base64(std::string_view in, std::string& out);
  void feed_base64_char(char c, uint64_t at, std::string& out);
  void feed_quoted(std::string_view in, std::string& out);
  bool feed_escape(char c, uint64_t at, std::string& out);
  void feed_uu(std::string_view in, std::string& out);
  void uu_line(std::string& out);
  void flush_base64(std::string& out);
  void report(Fault fault, uint64_t at);

  Encoding encoding_;
  Defects* defects_;
  State state_ = State::Text;
  uint64_t offset_ = 0;  // of the piece being fed
  uint32_t bits_ = 0;
  uint32_t count_ = 0;  // sextets in bits_
  bool noted_ = false;  // damage is reported once a body
  std::string held_{};  // spaces that may end a line; a line of uuencode
  char hex_ = 0;
};

// Whether a line begins uuencoded data ("begin 644 name"). Before it is other text, which the decoder passes over.
bool has_uu_begin(std::string_view bytes);

// All of it at once.
std::string decode_transfer(Encoding encoding, std::string_view bytes, Defects* defects = nullptr);

// Q of RFC 2047, section 4.2, appended.
void append_q(std::string_view text, std::string& out, Defects* defects = nullptr);

int hex_digit(char c);  // -1 for anything else

}  // namespace libsync::mime

#include "libsync/mime/transfer.h"

#include <algorithm>
#include <array>

#include "libsync/base/text.h"
#include "libsync/mime/lexer.h"
#include "libsync/mime/limits.h"

namespace libsync::mime {
namespace {

constexpr uint8_t kPad = 64;
constexpr uint8_t kSpace = 65;
constexpr uint8_t kForeign = 66;

constexpr std::array<uint8_t, 256> make_base64_table() {
  std::array<uint8_t, 256> table{};
  table.fill(kForeign);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  for (const char c : {' ', '\t', '\r', '\n', '\f', '\v'}) table[static_cast<uint8_t>(c)] = kSpace;
  table['='] = kPad;
  return table;
}
constexpr std::array<uint8_t, 256> kBase64 = make_base64_table();

char low_byte(uint32_t bits) { return static_cast<char>(static_cast<uint8_t>(bits)); }

constexpr size_t kMaxHeldSpaces = 1000;  // RFC 5322 lines have 998 bytes; more spaces are content
constexpr size_t kMaxUuLine = 1000;      // a line of uuencode has 62 bytes

}  // namespace

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string_view name_of(Encoding encoding) {
  switch (encoding) {
    case Encoding::SevenBit:
      return "7bit";
    case Encoding::EightBit:
      return "8bit";
    case Encoding::Binary:
      return "binary";
    case Encoding::QuotedPrintable:
      return "quoted-printable";
    case Encoding::Base64:
      return "base64";
    case Encoding::Uuencode:
      return "x-uuencode";
    case Encoding::Unknown:
      break;
  }
  return "unknown";
}

std::string_view encoding_token(std::string_view value) {
  value.remove_prefix(Lexer(value, kMaxCommentDepth, nullptr).skip_cfws(0));
  if (value.starts_with('"')) value.remove_prefix(1);
  return value.substr(0, value.find_first_of(" \t\r\n\";(,"));
}

Encoding encoding_of(std::string_view value) {
  value = encoding_token(value);
  struct Name {
    std::string_view name;
    Encoding encoding;
  };
  static constexpr Name kNames[] = {
      {"7bit", Encoding::SevenBit},
      {"7-bit", Encoding::SevenBit},
      {"8bit", Encoding::EightBit},
      {"8-bit", Encoding::EightBit},
      {"binary", Encoding::Binary},
      {"quoted-printable", Encoding::QuotedPrintable},
      {"quotedprintable", Encoding::QuotedPrintable},
      {"base64", Encoding::Base64},
      {"base-64", Encoding::Base64},
      {"x-uuencode", Encoding::Uuencode},
      {"uuencode", Encoding::Uuencode},
      {"x-uue", Encoding::Uuencode},
  };
  if (value.empty()) return Encoding::SevenBit;
  for (const Name& known : kNames) {
    if (iequals(value, known.name)) return known.encoding;
  }
  return Encoding::Unknown;
}

void TransferDecoder::report(Fault fault, uint64_t at) {
  if (!noted_) note(defects_, fault, at);
  noted_ = true;
}

void TransferDecoder::feed(std::string_view in, std::string& out) {
  switch (encoding_) {
    case Encoding::Base64:
      feed_base64(in, out);
      break;
    case Encoding::QuotedPrintable:
      feed_quoted(in, out);
      break;
    case Encoding::Uuencode:
      feed_uu(in, out);
      break;
    default:
      out += in;
      break;
  }
  offset_ += in.size();
}

void TransferDecoder::finish(std::string& out) {
  if (encoding_ == Encoding::Base64 && state_ == State::Text && count_ > 0) {
    report(Fault::BadBase64, offset_);
    flush_base64(out);
  } else if (encoding_ == Encoding::QuotedPrintable && state_ == State::EqualsHex) {
    report(Fault::BadQuotedPrintable, offset_);
    out += '=';
    out += hex_;
  } else if (encoding_ == Encoding::Uuencode) {
    uu_line(out);
    if (state_ != State::Ended) report(Fault::BadUuencode, offset_);
  }
}

// ---- base64 (RFC 2045, section 6.8) ----

void TransferDecoder::flush_base64(std::string& out) {
  if (count_ >= 2) out += low_byte(count_ == 2 ? bits_ >> 4 : bits_ >> 10);
  if (count_ == 3) out += low_byte(bits_ >> 2);
  count_ = 0;
  bits_ = 0;
}

void TransferDecoder::feed_base64_char(char c, uint64_t at, std::string& out) {
  const uint8_t value = kBase64[static_cast<uint8_t>(c)];
  if (value < kPad) {
    if (state_ == State::Padding) {  // two encoded pieces put one behind the other
      report(Fault::BadBase64, at);
      state_ = State::Text;
    }
    bits_ = bits_ << 6 | value;
    if (++count_ < 4) return;
    out += low_byte(bits_ >> 16);
    out += low_byte(bits_ >> 8);
    out += low_byte(bits_);
    count_ = 0;
    bits_ = 0;
  } else if (value == kPad && state_ == State::Text) {
    if (count_ < 2) report(Fault::BadBase64, at);
    flush_base64(out);
    state_ = State::Padding;
  } else if (value == kForeign) {
    report(Fault::BadBase64, at);
    // Behind the padding this is what a mailing list appended, not damage in the middle.
    if (state_ == State::Padding) state_ = State::Ended;
  }
}

void TransferDecoder::feed_base64(std::string_view in, std::string& out) {
  const auto value = [&](size_t i) { return kBase64[static_cast<uint8_t>(in[i])]; };
  size_t i = 0;
  while (i < in.size() && state_ != State::Ended) {
    std::array<char, 3072> block;
    size_t used = 0;
    while (count_ == 0 && state_ == State::Text && i + 4 <= in.size() && used + 3 <= block.size()) {
      const uint8_t a = value(i), b = value(i + 1), c = value(i + 2), d = value(i + 3);
      if ((a | b | c | d) >= kPad) break;
      const uint32_t bits =
          static_cast<uint32_t>(a) << 18 | static_cast<uint32_t>(b) << 12 | static_cast<uint32_t>(c) << 6 | d;
      block[used++] = low_byte(bits >> 16);
      block[used++] = low_byte(bits >> 8);
      block[used++] = low_byte(bits);
      i += 4;
    }
    out.append(block.data(), used);
    if (used == 0) {
      feed_base64_char(in[i], offset_ + i, out);
      ++i;
    }
  }
}

// ---- quoted-printable (RFC 2045, section 6.7) ----

// The character behind an '='. False if it is to be read again as text.
bool TransferDecoder::feed_escape(char c, uint64_t at, std::string& out) {
  const bool space = c == ' ' || c == '\t';
  if (state_ == State::EqualsHex) {
    const int low = hex_digit(c);
    state_ = State::Text;
    if (low >= 0) {
      out += static_cast<char>(static_cast<uint8_t>(hex_digit(hex_) * 16 + low));
      return true;
    }
    report(Fault::BadQuotedPrintable, at);
    out += '=';
    out += hex_;
    return false;
  }
  if (state_ == State::EqualsCr) {
    state_ = State::Text;
    return c == '\n';
  }
  if (c == '\n' || c == '\r') {  // a soft line break, spaces behind its '=' allowed
    held_.clear();
    state_ = c == '\n' ? State::Text : State::EqualsCr;
    return true;
  }
  if (space && held_.size() < kMaxHeldSpaces) {
    held_ += c;
    state_ = State::EqualsSpace;
    return true;
  }
  if (state_ == State::Equals && hex_digit(c) >= 0) {
    hex_ = c;
    state_ = State::EqualsHex;
    return true;
  }
  report(Fault::BadQuotedPrintable, at);
  out += '=';
  out += held_;
  held_.clear();
  state_ = State::Text;
  return false;
}

void TransferDecoder::feed_quoted(std::string_view in, std::string& out) {
  for (size_t i = 0; i < in.size();) {
    if (state_ != State::Text) {
      if (feed_escape(in[i], offset_ + i, out)) ++i;
      continue;
    }
    const char c = in[i];
    if (c == '=') {
      out += held_;
      held_.clear();
      state_ = State::Equals;
      ++i;
    } else if (c == ' ' || c == '\t') {
      if (held_.size() >= kMaxHeldSpaces) {
        out += held_;
        held_.clear();
      }
      held_ += c;
      ++i;
    } else if (c == '\r' || c == '\n') {  // spaces before a line end are transport's, not content
      held_.clear();
      out += c;
      ++i;
    } else {
      out += held_;
      held_.clear();
      const size_t end = std::min(in.find_first_of("= \t\r\n", i), in.size());
      out.append(in, i, end - i);
      i = end;
    }
  }
}

void append_q(std::string_view text, std::string& out, Defects* defects) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      out += ' ';
    } else if (text[i] != '=') {
      out += text[i];
    } else if (i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(static_cast<uint8_t>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      note(defects, Fault::BadEncodedWord);
      out += '=';
    }
  }
}

// ---- uuencode (POSIX) ----

bool has_uu_begin(std::string_view bytes) {
  return bytes.starts_with("begin ") || bytes.find("\nbegin ") != bytes.npos;
}

void TransferDecoder::uu_line(std::string& out) {
  std::string_view line = held_;
  while (line.ends_with('\r')) line.remove_suffix(1);
  if (state_ == State::Text) {
    if (line.starts_with("begin ")) state_ = State::Inside;
  } else if (state_ == State::Inside && line == "end") {
    state_ = State::Ended;
  } else if (state_ == State::Inside && !line.empty()) {
    const auto sextet = [&](size_t i) -> uint32_t {
      return i < line.size() ? (static_cast<uint8_t>(line[i]) - 32U) & 63U : 0;
    };
    size_t length = sextet(0);
    if (line.size() - 1 < (length * 8 + 5) / 6) report(Fault::BadUuencode, offset_);  // trailing spaces were cut
    for (size_t i = 1; length > 0; i += 4) {
      const uint32_t bits = sextet(i) << 18 | sextet(i + 1) << 12 | sextet(i + 2) << 6 | sextet(i + 3);
      for (int shift = 16; shift >= 0 && length > 0; shift -= 8, --length) out += low_byte(bits >> shift);
    }
  }
  held_.clear();
}

void TransferDecoder::feed_uu(std::string_view in, std::string& out) {
  for (const char c : in) {
    if (c == '\n') {
      uu_line(out);
    } else if (held_.size() < kMaxUuLine) {
      held_ += c;
    } else {
      report(Fault::BadUuencode, offset_);
    }
  }
}

std::string decode_transfer(Encoding encoding, std::string_view bytes, Defects* defects) {
  std::string out;
  TransferDecoder decoder(encoding, defects);
  decoder.feed(bytes, out);
  decoder.finish(out);
  return out;
}

}  // namespace libsync::mime

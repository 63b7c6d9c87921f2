#include "libsync/mime/charset.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <iconv.h>

#include "libsync/base/text.h"
#include "libsync/mime/charset_guess.h"

namespace libsync::mime {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Windows-1252's 0x80 to 0x9F; the five it leaves open are the C1 controls of the same number.
constexpr std::array<char16_t, 32> kCp1252 = {0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
                                              0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D, 0x017D, 0x008F,
                                              0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
                                              0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

bool is_ascii(std::string_view bytes) {
  return std::ranges::all_of(bytes, [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

void append_cp1252(std::string_view bytes, std::string& out) {
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x80) {
      out += c;
    } else {
      append_code_point(byte < 0xA0 ? kCp1252[byte - 0x80U] : byte, out);
    }
  }
}

// Bytes of the valid sequence at `at`; 0 if there is none (RFC 3629, section 4).
size_t utf8_length(std::string_view bytes, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[at + i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > bytes.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) >= 0xA0)) return 0;
  if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) >= 0x90)) return 0;
  return length;
}

// Bytes of a sequence that breaks off: all of them are one U+FFFD (Unicode, section 3.9, "maximal subpart").
size_t broken_utf8_length(std::string_view bytes, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[at + i]); };
  const uint8_t lead = byte(0);
  if (lead < 0xC2 || lead > 0xF4) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  const uint8_t least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const uint8_t most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  size_t i = 1;
  while (i < length && at + i < bytes.size() && byte(i) >= (i == 1 ? least : 0x80) &&
         byte(i) <= (i == 1 ? most : 0xBF)) {
    ++i;
  }
  return i;
}

bool has_utf8_character(std::string_view bytes) {
  for (size_t at = 0; at < bytes.size(); ++at) {
    if (utf8_length(bytes, at) > 1) return true;
  }
  return false;
}

// RFC 2781, section 4.3, has big endian where no mark says otherwise; Windows programs send little
// endian: the side on which the zeros of Latin letters stand decides.
std::string_view utf16_of(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) return "UTF-16";
  size_t even = 0;
  size_t odd = 0;
  const size_t sample = std::min<size_t>(bytes.size(), 512);
  for (size_t i = 0; i < sample; ++i) {
    if (bytes[i] == '\0') ++(i % 2 == 0 ? even : odd);
  }
  return odd > even ? "UTF-16LE" : "UTF-16BE";
}

size_t unit_of(std::string_view iconv_name) {
  if (iconv_name.starts_with("UTF-16") || iconv_name.starts_with("UCS-2")) return 2;
  return iconv_name.starts_with("UTF-32") || iconv_name.starts_with("UCS-4") ? 4 : 1;
}

}  // namespace

void append_code_point(char32_t code, std::string& out) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(static_cast<uint8_t>(byte)); };
  if (code < 0x80) return put(code);
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
    out += kReplacement;
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

bool append_valid_utf8(std::string_view bytes, std::string& out) {
  if (is_valid_utf8(bytes)) {
    out += bytes;
    return true;
  }
  for (size_t at = 0; at < bytes.size();) {
    const size_t length = utf8_length(bytes, at);
    if (length == 0) {
      out += kReplacement;
      at += broken_utf8_length(bytes, at);
    } else {
      out.append(bytes, at, length);
      at += length;
    }
  }
  return false;
}

Converters& Converters::operator=(Converters&& other) noexcept {
  std::swap(open_, other.open_);
  std::swap(unknown_, other.unknown_);
  std::swap(opened_, other.opened_);
  return *this;
}

Converters::~Converters() {
  for (const auto& [name, handle] : open_) {
    if (handle != nullptr) iconv_close(handle);
  }
}

void* Converters::find(std::string_view name) {
  if (const auto known = open_.find(name); known != open_.end()) {
    void* const handle = known->second;
    if (handle != nullptr) iconv(handle, nullptr, nullptr, nullptr, nullptr);  // back to the initial state
    return handle;
  }
  ++opened_;
  std::string key(name);
  const iconv_t handle = iconv_open("UTF-8", key.c_str());
  void* const usable = handle == reinterpret_cast<iconv_t>(-1) ? nullptr : handle;
  // A failure is kept too: iconv looks through its files for each. Senders can make up any number of names.
  if (usable == nullptr && unknown_++ == kMaxUnknown) {
    std::erase_if(open_, [](const auto& each) { return each.second == nullptr; });
    unknown_ = 1;
  }
  open_.emplace(std::move(key), usable);
  return usable;
}

// False if iconv has no such charset. `bad` counts what became U+FFFD.
bool Converters::convert(std::string_view name, std::string_view bytes, std::string& out, size_t& bad) {
  void* const handle = find(name);
  if (handle == nullptr) return false;
  const size_t begin = out.size();
  std::array<char, 4096> buffer;
  std::string_view rest = bytes;
  const auto run = [&](char** from, size_t* left) {
    char* to = buffer.data();
    size_t room = buffer.size();
    const size_t result = iconv(handle, from, left, &to, &room);
    const int error = result == static_cast<size_t>(-1) ? errno : 0;
    out.append(buffer.data(), to);
    return std::pair(error, to != buffer.data());
  };
  while (!rest.empty()) {
    char* from = const_cast<char*>(rest.data());  // iconv's signature; it does not write there
    size_t left = rest.size();
    const auto [error, wrote] = run(&from, &left);
    const bool stuck = left == rest.size() && !wrote;
    rest.remove_prefix(rest.size() - left);
    if (error == 0) break;
    if (error == E2BIG && !stuck) continue;
    out += kReplacement;
    ++bad;
    if (error == EINVAL) break;  // a character that the end cuts off
    rest.remove_prefix(std::min(rest.size(), unit_of(name)));
  }
  run(nullptr, nullptr);  // some decoders hold the last character back
  // glibc's UCS-4 gives what lies beyond Unicode's end in five and six octets.
  if (const auto made = std::string_view(out).substr(begin); !is_valid_utf8(made)) {
    const std::string damaged(made);
    out.resize(begin);
    append_valid_utf8(damaged, out);
    ++bad;
  }
  return true;
}

bool Converters::convert_named(std::string_view name, std::string_view bytes, std::string& out, size_t& bad) {
  if (name == "ISO-2022-JP") return convert_iso2022jp(bytes, out, bad);
  if (name == "HZ") return convert_hz(bytes, out, bad);
  return convert(name, bytes, out, bad);
}

void Converters::append_guess(std::string_view bytes, std::string& out) {
  if (is_valid_utf8(bytes) && bytes.find('\x1B') == bytes.npos) {
    out += bytes;
    return;
  }
  const std::string_view name = guess_charset(bytes);
  size_t bad = 0;
  const size_t begin = out.size();
  if (name == "ISO-2022-JP" && convert_iso2022jp(bytes, out, bad) && bad == 0) return;
  out.resize(begin);
  bad = 0;
  if (name != "CP1252" && name != "ISO-2022-JP" && convert(name, bytes, out, bad) && bad == 0) return;
  out.resize(begin);
  if (has_utf8_character(bytes)) {  // UTF-8 that was cut or damaged somewhere
    append_valid_utf8(bytes, out);
  } else {
    append_cp1252(bytes, out);
  }
}

Fit Converters::append(std::string_view charset, std::string_view bytes, std::string& out) {
  std::string name = iconv_name(charset);
  const size_t begin = out.size();
  size_t bad = 0;
  const auto guess = [&](Fit fit) {
    out.resize(begin);
    append_guess(bytes, out);
    return fit;
  };
  if (name.empty()) return guess(Fit::Unknown);
  if (name == "ASCII") {
    if (!is_ascii(bytes)) return guess(Fit::Guessed);
    out += bytes;
    return Fit::Exact;
  }
  if (name == "UTF-8") {
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    if (append_valid_utf8(bytes, out)) return Fit::Exact;
    return has_utf8_character(bytes) ? Fit::Replaced : guess(Fit::Guessed);
  }
  if (name == "CP1252") {
    append_cp1252(bytes, out);
    return Fit::Exact;
  }
  if (name == "UTF-16") name = utf16_of(bytes);
  if (!convert_named(name, bytes, out, bad)) return guess(Fit::Unknown);
  if (bad == 0) return Fit::Exact;
  if (!is_ascii(bytes) && is_valid_utf8(bytes)) return guess(Fit::Guessed);
  if (name == "BIG5") {
    std::string hong_kong;
    size_t still_bad = 0;
    if (convert("BIG5-HKSCS", bytes, hong_kong, still_bad) && still_bad < bad) {
      out.replace(begin, out.npos, hong_kong);
      if (still_bad == 0) return Fit::Exact;
    }
  }
  return Fit::Replaced;
}

}  // namespace libsync::mime

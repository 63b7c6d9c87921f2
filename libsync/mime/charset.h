// Text in any charset to UTF-8, by the C library's iconv; HZ and ISO-2022-JP as mail has it by arithmetic on top.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace libsync::mime {

enum class Fit : uint8_t {
  Exact,     // as labelled
  Replaced,  // as labelled; what did not fit became U+FFFD
  Guessed,   // the bytes do not fit the label at all, and are read as what they look like
  Unknown,   // the label is not known; guessed
};

// Keeps converters open: opening one costs as much as converting some kB. A mailbox mixes a handful; a hostile message
// may name all that iconv knows, one behind the other, and opens each once (glibc: 1,179 names, 14 MB in all). One
// thread at a time; one object a thread or worker is right. Movable, not copyable.
class Converters {
 public:
  static constexpr size_t kMaxUnknown = 64;  // names that iconv does not know, remembered so that it is asked once

  Converters() = default;
  Converters(Converters&& other) noexcept = default;
  Converters& operator=(Converters&& other) noexcept;
  ~Converters();

  // Appends `bytes`, which their sender labels `charset`, as valid UTF-8. Labels are taken as they
  // occur ("utf8", "x-gbk", "cp-936"); gb2312 and gbk are read as gb18030, iso-8859-1 as windows-1252,
  // shift_jis as cp932, iso-2022-jp with the extensions of cp50221, euc-kr as cp949.
  Fit append(std::string_view charset, std::string_view bytes, std::string& out);

  // Appends bytes without a label: UTF-8 if they are, else what they look like, else windows-1252.
  void append_guess(std::string_view bytes, std::string& out);

  size_t opened() const { return opened_; }  // iconv_open calls so far: for tests and measurement

 private:
  void* find(std::string_view iconv_name);
  bool convert_named(std::string_view iconv_name, std::string_view bytes, std::string& out, size_t& bad);
  bool convert(std::string_view iconv_name, std::string_view bytes, std::string& out, size_t& bad);
  bool convert_iso2022jp(std::string_view bytes, std::string& out, size_t& bad);
  bool convert_hz(std::string_view bytes, std::string& out, size_t& bad);

  std::map<std::string, void*, std::less<>> open_;  // iconv_t by iconv's name; null: it does not know the name
  size_t unknown_ = 0;                              // how many of them are null
  size_t opened_ = 0;
};

// What iconv calls the charset of this label ("HZ", which it lacks, is read here); "" for labels that say nothing
// ("default", "unknown-8bit"). A label that no table knows comes back as it is, in capitals, if its characters are
// harmless.
std::string iconv_name(std::string_view label);

// Appends as UTF-8 whatever of it is valid; the rest as U+FFFD. True if all was valid.
bool append_valid_utf8(std::string_view bytes, std::string& out);
void append_code_point(char32_t code, std::string& out);

}  // namespace libsync::mime

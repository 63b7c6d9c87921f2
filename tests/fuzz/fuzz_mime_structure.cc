// Messages of deep and odd structure: each octet is a step of a writer that opens, ends and mixes up multiparts and
// messages in messages. Random octets hardly ever give two boundaries that fit; here nearly every input does.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "tests/fuzz/message_checks.h"

namespace {

class Writer {
 public:
  std::string run(std::string_view steps) {
    for (const char step : steps) take(static_cast<uint8_t>(step));
    return std::move(out_);
  }

 private:
  void take(uint8_t step) {
    const unsigned argument = step >> 4U;
    switch (step & 15U) {
      case 0:
        return open("mixed", argument);
      case 1:
        return open("digest", argument);
      case 2:
        return line("--" + boundary(argument));
      case 3:
        return line("--" + boundary(argument) + "--");
      case 4:
        return line("--" + boundary(argument) + (argument % 2 == 0 ? "x" : "- "));
      case 5:
        return line("Content-Type: message/rfc822\n");
      case 6:
        return line(argument % 2 == 0 ? "Content-Type: text/html; charset=gb2312\n"
                                      : "Content-Type: application/x; name*0*=utf-8''a%20; name*1=\"b\"\n");
      case 7:
        return line("Content-Transfer-Encoding: " + std::string(kEncodings[argument % kEncodings.size()]));
      case 8:
        return line("Content-Disposition: attachment; filename=\"=?utf-8?B?5L0=?=\"");
      case 9:
        return line("Subject: =?gb2312?b?4w==?=\n folded <a@b>");
      case 10:
        line_end_ = kLineEnds[argument % kLineEnds.size()];
        return;
      case 11:
        if (!boundaries_.empty()) boundaries_.pop_back();
        return;
      case 12:
        return line("aGVsbG8=");
      case 13:
        out_ += static_cast<char>('!' + argument);  // no line end: glues to what comes
        return;
      case 14:
        return line(std::string(argument * 16, 'x'));
      default:
        return line("");
    }
  }

  void open(std::string_view subtype, unsigned argument) {
    // Some boundaries are the beginning of another, or the same again.
    boundaries_.push_back(argument < 8 ? fmt::format("b{}", boundaries_.size()) : std::string(argument - 7, 'b'));
    line(fmt::format("Content-Type: multipart/{}; boundary=\"{}\"\n", subtype, boundaries_.back()));
    if (argument % 2 == 0) line("--" + boundaries_.back());
  }

  // Of the nth multipart from the innermost; any where none is open.
  std::string boundary(unsigned nth) const {
    return boundaries_.empty() ? "b" : boundaries_[boundaries_.size() - 1 - nth % boundaries_.size()];
  }

  void line(std::string_view text) {
    for (const char c : text) out_ += c == '\n' ? std::string(line_end_) : std::string(1, c);
    out_ += line_end_;
  }

  static constexpr std::array<std::string_view, 5> kEncodings{"base64", "quoted-printable", "x-uuencode", "8bit", "?"};
  static constexpr std::array<std::string_view, 3> kLineEnds{"\r\n", "\n", "\r"};
  std::string out_;
  std::vector<std::string> boundaries_;
  std::string_view line_end_ = "\r\n";
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kMost = 4096;  // steps: several times the deepest that is read
  const std::string_view steps(reinterpret_cast<const char*>(data), std::min(size, kMost));
  libsync::fuzz::check_message(Writer().run(steps));
  return 0;
}

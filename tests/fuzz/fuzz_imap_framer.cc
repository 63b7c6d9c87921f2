// The framer gives the same for bytes fed whole and in pieces, and streams exactly what was announced.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libsync/imap/framer.h"

namespace {

using namespace libsync::imap;

class Log final : public FrameSink {
 public:
  void frame(const Frame& frame) override { text.append("F").append(frame.text).append("\n"); }
  void literal_begin(std::string_view, std::span<const Literal> literals) override { left = literals.back().size; }
  void literal_data(std::string_view bytes) override {
    if (bytes.size() > left) std::abort();
    left -= bytes.size();
    text += bytes;
  }
  void literal_end() override {
    if (left != 0) std::abort();
  }
  std::string text;
  uint64_t left = 0;
};

std::string frames(std::string_view bytes, size_t piece) {
  Limits limits;
  Quirks quirks;
  Framer framer(limits, quirks);
  Log log;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    const auto fed = framer.feed(bytes.substr(at, piece), log);
    if (!fed) return log.text;
  }
  return log.text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = frames(bytes, size + 1);
  if (frames(bytes, 1) != whole || frames(bytes, 7) != whole) std::abort();
  return 0;
}

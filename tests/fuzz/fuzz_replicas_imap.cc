// A whole IMAP session against a server that says the input (talk.h). No message is longer than what was sent.
#include <cstdint>
#include <cstdlib>

#include "tests/fuzz/talk.h"

namespace {

// What the trace says is made, and looked at by nobody.
class Unread final : public libsync::Trace {
 public:
  void line(libsync::TraceKind, std::string_view) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Unread trace;
  const auto talked = libsync::fuzz::talk_imap({reinterpret_cast<const char*>(data), size}, &trace);
  if (talked.octets > size || talked.messages > size) std::abort();
  return 0;
}

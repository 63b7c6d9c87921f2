// Stands between whoever runs a target and the target: --wrap=LLVMFuzzerTestOneInput brings the calls here.
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "tests/fuzz/cost.h"

extern "C" int target_itself(const uint8_t* data, size_t size) __asm__("__real_LLVMFuzzerTestOneInput");
extern "C" int target_measured(const uint8_t* data, size_t size) __asm__("__wrap_LLVMFuzzerTestOneInput");

namespace libsync::fuzz {
namespace {

// At the process's end: the line, and the slowest input where TWINBOX_FUZZ_SLOWEST names a file for it.
void report() {
  std::fprintf(stderr, "%s\n", cost().text().c_str());
  if (const char* path = std::getenv("TWINBOX_FUZZ_SLOWEST"); path != nullptr) {
    std::ofstream(path, std::ios::binary) << cost().slowest_input();
  }
}

}  // namespace

Cost& cost() {
  static Cost& made = *[] {
    std::atexit(report);
    return new Cost(thread_time);  // outlives whoever reports at the end
  }();
  return made;
}

}  // namespace libsync::fuzz

int target_measured(const uint8_t* data, size_t size) {
  return libsync::fuzz::cost().measure([&] { return target_itself(data, size); }, data, size);
}

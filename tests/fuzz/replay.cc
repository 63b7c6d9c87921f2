// Replays fuzz seeds through a target without libFuzzer: every file of the folders named on the
// command line, and each file cut in half and at its last byte. Ends with 1 if one of them costs too much (cost.h).
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/fuzz/cost.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void run(const std::string& bytes, size_t length) {
  // A copy of exactly this length, so that AddressSanitizer sees a read past the end.
  const std::string input(bytes, 0, length);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

}  // namespace

int main(int argc, char** argv) {
  size_t files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), {}};
      run(bytes, bytes.size());
      run(bytes, bytes.size() / 2);
      if (!bytes.empty()) run(bytes, bytes.size() - 1);
      ++files;
    }
  }
  std::printf("%zu seeds replayed\n", files);
  const bool too_slow = libsync::fuzz::cost().too_slow();
  return files == 0 || too_slow ? 1 : 0;  // a folder without seeds is a defect of the test
}

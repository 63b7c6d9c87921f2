#include "tests/support/temp_dir.h"

#include <cstdlib>
#include <stdexcept>

namespace twinbox::test {

TempDir::TempDir(const std::filesystem::path& parent) {
  std::string pattern = (parent / "twinbox-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace twinbox::test

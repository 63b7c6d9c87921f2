// The power goes while the configuration is changed: it is the old one or the new one, and the new one once that was
// said.
#include "libsync/account/config_edit.h"

#include "tests/fault/power/power_fixture.h"

namespace twinbox::test {
namespace {

using namespace libsync;

class Config : public PowerTest {
 protected:
  std::string file() const { return root + "/home/.config/twinbox/config.toml"; }
  Status change(const std::string& to) {
    return account::edit_config(fs, file(), [&](std::string_view) { return Result<std::string>(to); });
  }
  std::string in(const std::string& folder) {
    RealFileSystem real;
    return read_file(real, folder + file().substr(root.size()), 1'000'000).value_or("none");
  }
};

TEST_F(Config, IsTheOldOneOrTheNewOne) {
  const std::string one(3'000, '1'), two(2'000, '2');
  std::set<std::string> allowed{"none", one};
  watch([&](const std::string& folder) { ASSERT_TRUE(allowed.contains(in(folder))) << in(folder); });
  ASSERT_TRUE(change(one));
  allowed = {one};
  promised();
  look("behind the first");
  allowed = {one, two};
  ASSERT_TRUE(change(two));
  allowed = {two};
  promised();
  look("at the end");
}

}  // namespace
}  // namespace twinbox::test

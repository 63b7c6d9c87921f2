// A schedule goes into a crontab that is the user's and out again: every other line stays as it was.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/account/schedule.h"
#include "libsync/base/file.h"

namespace {

using namespace libsync;

// A crontab(1) that holds a text, on a machine without systemd.
class Crontab {
 public:
  explicit Crontab(std::string_view text) : text_(text) {}
  std::string text() const { return text_; }
  Result<account::ProcessOutcome> run(const std::vector<std::string>& argv, std::string_view input) {
    if (argv.at(0) != "crontab") return fail(Errc::NotFound, argv[0]);
    if (argv.at(1) == "-l") return account::ProcessOutcome{.status = 0, .timed_out = false, .out = text_, .err = {}};
    text_ = input;
    return account::ProcessOutcome{};
  }

 private:
  std::string text_;
};

// The user's lines, one line end behind each.
std::string others(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    if (!account::read_cron_line(line)) out += std::string(line) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Crontab crontab(text);
  RealFileSystem fs;
  account::Scheduler scheduler(
      fs, {.home = "/nonexistent", .config_home = "/nonexistent", .data_home = "/nonexistent"}, "joe",
      [&](const auto& argv, std::string_view input) { return crontab.run(argv, input); }, 1'700'000'000);
  const account::Schedule schedule{.program = "/usr/bin/twinbox", .config = {}, .accounts = {"work"}};
  if (!scheduler.status() || !scheduler.enable(schedule)) std::abort();
  const std::string once = crontab.text();
  if (others(once) != others(text)) std::abort();
  if (!scheduler.enable(schedule) || crontab.text() != once) std::abort();
  if (!scheduler.disable().value_or(false) || crontab.text() != others(text)) std::abort();
  return 0;
}

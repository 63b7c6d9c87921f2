// The program's surroundings in memory: streams, environment, prompt.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "libsync/base/clock.h"

#include "tests/support/temp_dir.h"
#include "tools/twinbox/cli.h"

namespace twinbox::test {

class FixedClock final : public libsync::Clock {
 public:
  libsync::Steady::time_point now() const override { return libsync::Steady::time_point(steady); }
  int64_t unix_seconds() const override { return unix; }
  std::chrono::milliseconds steady{0};
  int64_t unix = 1'790'000'000;
};

class NoPrompt final : public libsync::account::Prompt {
 public:
  bool available() const override { return !answer.empty(); }
  libsync::Result<libsync::Secret> ask(std::string_view question, std::stop_token) override {
    asked = question;
    return libsync::Secret(answer);
  }
  std::string answer, asked;
};

// One user with an empty home folder; neither systemd nor cron.
struct Fake {
  TempDir home;
  std::string out, err, input;
  std::map<std::string, std::string> environment{{"HOME", home.path().string()}};
  libsync::RealFileSystem fs;
  FixedClock clock;
  NoPrompt prompt;
  std::stop_source stop;
  std::error_code out_fails;
  Surroundings around{
      .out = {.write =
                  [this](std::string_view bytes) {
                    out += bytes;
                    return out_fails;
                  }},
      .err = {.write =
                  [this](std::string_view bytes) {
                    err += bytes;
                    return std::error_code();
                  }},
      .read_input = [this](size_t) { return libsync::Result<std::string>(input); },
      .environment = [this](const char* name) -> std::optional<std::string> {
        const auto found = environment.find(name);
        return found == environment.end() ? std::nullopt : std::optional(found->second);
      },
      .fs = fs,
      .clock = clock,
      .prompt = prompt,
      .run_program = [](const auto&, std::string_view) -> libsync::Result<libsync::account::ProcessOutcome> {
        return libsync::fail(libsync::Errc::NotFound, "not there");
      },
      .program = "/usr/bin/twinbox",
      .user = "me",
      .stop = stop.get_token()};

  // Runs one command line, split at spaces; the streams begin empty.
  int operator()(const std::string& line);
  int run(const std::vector<std::string>& args) {
    out.clear();
    err.clear();
    return twinbox::run(args, around);
  }
  std::string config() const { return (home.path() / ".config/twinbox/config.toml").string(); }
};

inline int Fake::operator()(const std::string& line) {
  std::vector<std::string> args;
  for (size_t at = 0; at < line.size();) {
    const size_t end = std::min(line.find(' ', at), line.size());
    if (end > at) args.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return run(args);
}

}  // namespace twinbox::test

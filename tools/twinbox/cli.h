// The command line of twinbox.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "libsync/account/places.h"
#include "libsync/account/schedule.h"
#include "libsync/account/secrets.h"
#include "libsync/base/clock.h"
#include "libsync/base/file.h"

namespace twinbox {

// One of the two streams a person or a script reads.
struct Stream {
  // All of it, or why not: EPIPE when nobody reads any more.
  std::function<std::error_code(std::string_view)> write;
  bool terminal = false;
  size_t columns = 80, rows = 24;
  std::function<void(Stream&)> measure{};  // columns and rows as they are now; empty: they stay as they are
};

// Everything the program takes from outside, so that tests can give it. Not owned; must outlive run().
struct Surroundings {
  Stream out, err;
  std::function<libsync::Result<std::string>(size_t max_bytes)> read_input;  // standard input, to its end
  libsync::account::Environment environment;
  libsync::FileSystem& fs;
  const libsync::Clock& clock;
  libsync::account::Prompt& prompt;
  libsync::account::Runner run_program;
  std::string program;  // absolute path of this program, for schedules
  std::string user;     // login name
  std::stop_token stop;
};

// Runs one command and returns the exit status (README.md lists them). `args` without the program's name.
int run(const std::vector<std::string>& args, Surroundings& surroundings);

}  // namespace twinbox

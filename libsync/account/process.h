// A program run to its end, with its output kept and a bound on time and size.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/result.h"

namespace libsync::account {

struct ProcessOptions {
  std::chrono::seconds timeout{60};
  std::string_view input{};         // what the program reads; used only when `feed_input` is set
  bool feed_input = false;          // false: the program has our standard input (a passphrase may be asked)
  size_t max_output = 1024 * 1024;  // of each stream; what is beyond is dropped
};

struct ProcessOutcome {
  int status = 0;  // exit status, or 128 + signal as shells count
  bool timed_out = false;
  std::string out, err;
};

// argv[0] is looked up in PATH; nothing passes through a shell unless argv says so. Not started:
// Errc::NotFound. Ended by stop: Errc::Cancelled. A timed-out program is ended (TERM, then KILL).
Result<ProcessOutcome> run_process(const std::vector<std::string>& argv, const ProcessOptions& options,
                                   std::stop_token stop);

}  // namespace libsync::account

// What a server is to do wrong, as text: for tests, and `twinbox serve --script` (docs/server.md).
//
//   # comment
//   on COMMAND [N] [from N] ACTION
//
// COMMAND: the word a client says (FETCH also for UID FETCH), or "*" for each. N: the Nth of them on a connection,
// alone; "from N": that one and all behind it. Without a number: every one. ACTION, one of
//
//   delay 1500ms | delay 2s     the answer comes so much later
//   cut [N]                     the connection is lost behind N octets of the answer (0)
//   truncate N                  what is behind N octets of the answer is not sent
//   answer TEXT                 the command is not carried out; TEXT is the answer (IMAP: its tag goes before it, but
//                               before "* …" or "+ …"). "* BYE …" ends the connection
//   lie size +N | -N            RFC822.SIZE, LIST's and RETR's sizes are told so much larger or smaller
//   lie uidvalidity +N          UIDVALIDITY is told so much larger, from this command on
//   die before | die after      the server goes down before the command, or when it is carried out and not answered
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/result.h"

namespace libsync::server {

struct Fault {
  std::string command{};  // in capitals; "*": each
  uint64_t first = 1, last = UINT64_MAX;
  enum class Kind : uint8_t { Delay, Cut, Truncate, Answer, LieSize, LieUidvalidity, DieBefore, DieAfter } kind{};
  std::chrono::milliseconds delay{0};
  uint64_t octets = 0;
  int64_t more = 0;
  std::string text{};
};
using FaultScript = std::vector<Fault>;

// Errc::Config: "line 3: …".
Result<FaultScript> parse_fault_script(std::string_view text);

inline constexpr size_t kMaxFaults = 1000;
inline constexpr size_t kMaxFaultScript = 100'000;  // octets
inline constexpr std::chrono::hours kMaxFaultDelay{1};

}  // namespace libsync::server

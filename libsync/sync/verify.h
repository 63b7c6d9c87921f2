// Comparing what a server shows with what the link says is here, without changing anything on either side.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/sync/link.h"
#include "libsync/sync/policy.h"
#include "libsync/sync/replica.h"

namespace libsync::sync {

enum class DifferenceKind {
  MailboxNotHere,  // the server has a mailbox that was never synced
  NotHere,         // a message that was not downloaded yet
  NotThere,        // a message that the server no longer has
  Size,            // the server announces another size than at the download
  Flags,           // the flags differ
  Unreadable,      // a mailbox that can't be looked at, or not wholly
};

struct Difference {
  DifferenceKind kind = DifferenceKind::NotHere;
  std::string where{};  // "INBOX/8812", fit to print
  std::string text{};   // one line for a person
};

struct ComparisonReport {
  uint64_t mailboxes = 0, messages = 0;   // the server's, looked at
  std::vector<Difference> differences{};  // the first kMaxDifferences
  uint64_t differences_total = 0;
  uint64_t settled_by_sync = 0;           // of them: those that the next sync settles
  uint64_t held = 0;                      // of them: those that the fuse holds
  uint64_t will_be_held = 0;              // of them: those that it will hold in the next sync
  std::vector<std::string> incomplete{};  // mailboxes whose listing did not fit the server's own count
};
inline constexpr size_t kMaxDifferences = 1000;

// Lists every message on side A, `a`, and compares key, size and flags with the link's rows. Nothing is changed
// but the cursors of mailboxes in which something differs: the next sync looks at them whole. `takes_part`, if any:
// mailboxes that a sync does not look at are left out here too. `now`: seconds since 1970, for the fuse's memory.
Result<ComparisonReport> compare_with_remote(Replica& a, Link& link, const Policy& policy, std::stop_token stop,
                                             const std::function<bool(const Path&)>& takes_part = {},
                                             int64_t now = SystemClock().unix_seconds());

}  // namespace libsync::sync

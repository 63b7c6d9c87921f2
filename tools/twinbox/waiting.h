// What waits in an account: for a person's answer, or for the next sync. What status, settle and log tell of it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/store/store.h"
#include "libsync/sync/answer.h"

#include "tools/twinbox/store_access.h"

namespace twinbox {

enum class Matter : uint8_t {
  Nothing,
  Change,  // the next sync carries it out
  Held,    // a removal, by the fuse
  Suspect,
  Refused,
  Unlinked,
};

// Stable, for scripts: "held".
std::string_view matter_name(Matter matter);

// Of one message, for a person: `refused on the server: "NO"`.
std::string matter_text(const libsync::sync::Row& row, Matter matter);

// The id that every command takes; 0: the message never was here.
libsync::store::MessageId message_of(const libsync::sync::Row& row);

// Every row that waits or was unlinked, in order. A removal is held if the last sync held some; else the next carries
// it out.
libsync::Status each_waiting(libsync::store::Store& store, libsync::sync::Link& link,
                             const std::function<libsync::Status(libsync::sync::Row&, Matter)>& visit);

struct WaitCounts {
  uint64_t held_here = 0, held_there = 0;  // removals that are not made here, and on the server
  uint64_t suspect = 0, refused = 0, unlinked = 0;
  uint64_t changes = 0;                        // made here, and not on the server yet
  std::vector<libsync::sync::Row> refusals{};  // the first kRefusalsNamed
  uint64_t held() const { return held_here + held_there; }
};
inline constexpr size_t kRefusalsNamed = 5;

libsync::Result<WaitCounts> count_waiting(const libsync::account::Account& account, libsync::store::Store& store);

}  // namespace twinbox

// What was changed in a local store since the last sync looked at it, and so waits for the next one.
#pragma once

#include <cstdint>
#include <functional>

#include "libsync/store/store.h"
#include "libsync/sync/link.h"

namespace libsync::replicas {

// Of messages, and of folders that were made, renamed, deleted, subscribed or unsubscribed.
struct ChangesHere {
  uint64_t added = 0, flags = 0, moved = 0, removed = 0, folders = 0;
  uint64_t all() const { return added + flags + moved + removed + folders; }
};

// Reads what changed, not what is there; writes nothing. `takes_part`: which folders a sync looks at. Side B of the
// link is the store.
Result<ChangesHere> changes_here(store::Store& store, sync::Link& link,
                                 const std::function<bool(const sync::Path&)>& takes_part);

}  // namespace libsync::replicas

// The log (sync::Event) in SQLite. Internal to store/.
#pragma once

#include <string_view>
#include <vector>

#include "libsync/store/db.h"
#include "libsync/sync/link.h"

namespace libsync::store {

inline constexpr std::string_view kEventTable = "link_event";

// See sync::Link. Past kMaxEvents the oldest go.
Status record_event(Db& db, const sync::Event& event);
Result<std::vector<sync::Event>> last_events(Db& db, const sync::Id& message, int64_t since, size_t limit);
Status drop_events(Db& db, int64_t before);

}  // namespace libsync::store

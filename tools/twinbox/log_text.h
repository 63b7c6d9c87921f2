// Entries of the log as text for people, and as JSON.
#pragma once

#include <string>

#include "libsync/sync/link.h"

#include "tools/twinbox/json.h"

namespace twinbox {

// "removed here from INBOX: it is gone on the server". Fit to print.
std::string event_text(const libsync::sync::Event& event, int64_t now);

JsonObject event_json(const libsync::sync::Event& event, const std::string& account, const std::string& subject);

}  // namespace twinbox

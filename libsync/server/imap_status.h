// What STATUS and LIST-STATUS share. Inside server only.
#pragma once

#include <string>
#include <vector>

#include "libsync/server/imap_core.h"

namespace libsync::server {

inline constexpr size_t kMaxStatusItems = 50;
using StatusItems = std::vector<const StatusRow*>;

bool read_status_items(Imap& imap, imap::Parser& in, StatusItems& items);  // "(" items ")"
// "STATUS name (MESSAGES 3 …)"
Result<std::string> status_text(Imap& imap, const Folder& folder, const StatusItems& items);

}  // namespace libsync::server

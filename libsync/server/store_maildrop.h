// A mailbox of a local store as POP3 sees it.
#pragma once

#include <memory>

#include "libsync/base/result.h"
#include "libsync/server/maildrop.h"
#include "libsync/store/store.h"

namespace libsync::server {

// INBOX, as it is now; a store without one has an empty maildrop. UIDLs are made of UIDVALIDITY and UID. Nothing can be
// removed: the mirror of a server's mail is changed by the server alone (Errc::Refused). `store` outlives it.
Result<std::unique_ptr<Maildrop>> open_store_maildrop(store::Store& store);

}  // namespace libsync::server

// From IMAP's values to the port's. Internal to the IMAP replica.
#pragma once

#include "libsync/imap/fetch.h"
#include "libsync/imap/flags.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

sync::Flags to_flags(const imap::FlagList& list);
sync::Facts to_facts(const imap::FetchData& data);

}  // namespace libsync::replicas

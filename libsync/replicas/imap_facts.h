// From IMAP's values to the port's. Internal to the IMAP replica.
#pragma once

#include <string>

#include "libsync/imap/fetch.h"
#include "libsync/imap/flags.h"
#include "libsync/imap/select.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

sync::Flags to_flags(const imap::FlagList& list);
sync::Facts to_facts(const imap::FetchData& data);

// What a mailbox can keep (PERMANENTFLAGS), opened by SELECT.
sync::FlagMask to_mask(const imap::SelectData& state);

// As commands have them: "(\Seen todo)". Keywords that are no atoms are left out; whether there are such.
std::string flag_list(const sync::Flags& flags);
bool all_atoms(const sync::Flags& flags);
// What of them can be kept.
sync::Flags masked(const sync::Flags& flags, const sync::FlagMask& mask);

}  // namespace libsync::replicas

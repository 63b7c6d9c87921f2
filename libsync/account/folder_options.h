// What an account's modes and names mean to a sync.
#pragma once

#include "libsync/account/config.h"
#include "libsync/account/folder_map.h"
#include "libsync/store/store.h"
#include "libsync/sync/sync.h"

namespace libsync::account {

// What a sync may do in folders of that mode.
sync::Policy policy_of(const Account& account, Mode mode, const sync::Capabilities& remote);

// Fills `policy`, `can_in`, `takes_part`, `translate` and `match_roles`. The map must outlive the options, and know
// both sides' folders by then.
void set_folder_options(const Account& account, const FolderMap& folders, const sync::Capabilities& remote,
                        sync::SyncOptions& options);

// Gives folders of the store the names that the rules have for them now, where these are free and nothing else changed
// their names since the last sync: before know(). Those below a folder keep theirs, unless a rule speaks of them.
Status take_new_names(const FolderMap& folders, store::Store& store, sync::Link& link);

}  // namespace libsync::account

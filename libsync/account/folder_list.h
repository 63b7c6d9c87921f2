// What maps to what in an account: each folder of the server and of the store, with its mode and its name on the other
// side, as the next sync will have it. Pure: no errors, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libsync/account/config.h"
#include "libsync/store/link_table.h"
#include "libsync/store/types.h"
#include "libsync/sync/link.h"

namespace libsync::account {

struct KnownFolders {
  std::optional<std::vector<sync::Mailbox>> server{};  // as it lists them now; nothing: it was not asked
  std::vector<sync::Pair> pairs{};                     // as the last sync left them
  std::vector<store::MailboxInfo> here{};
  std::map<sync::PairId, store::Kept> kept{};
};

struct FolderRow {
  sync::Path server{}, here{};  // empty: has no name there, and comes to none
  bool on_server = false, is_here = false;
  Mode mode = Mode::Mirror;
  sync::Role role = sync::Role::None;
  std::string skipped{};  // why it takes no part; empty: it does
  std::string next{};     // what the next sync does with the folder itself; empty: nothing
  uint64_t messages = 0;  // that are here
  store::Kept kept{};
};

// By the name on the server, INBOX first; behind them those that are here alone, by theirs.
std::vector<FolderRow> list_folders(const Account& account, const KnownFolders& known);

std::string_view role_name(sync::Role role);  // "sent"; "" for none

}  // namespace libsync::account

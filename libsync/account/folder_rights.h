// What may be changed on this computer, folder by folder: by commands and by mail programs. Pure: no errors, any
// thread.
#pragma once

#include <cstdint>
#include <set>
#include <span>

#include "libsync/account/config.h"
#include "libsync/account/folder_map.h"

namespace libsync::account {

enum class Right : uint8_t {
  Nothing,  // it follows the server, which would not hear of it
  Flags,    // likewise, but for flags
  Own,      // everything: it stays on this computer, and no sync undoes it
  Carried,  // everything: a sync makes the same changes on the server
};

class FolderRights {
 public:
  // `pairs` as the last sync left them; none: there was none.
  FolderRights(const Account& account, std::span<const sync::Pair> pairs);

  // `local` is the folder's name here.
  Right in(const sync::Path& local) const;
  // Messages may go from one to the other: both syncs hear of it, or none.
  bool may_move(const sync::Path& from, const sync::Path& to) const;
  // Renamed, deleted, subscribed: those of the server's that it would not hear of would only be put back.
  bool may_change_folder(const sync::Path& local) const;
  // The most that any of the account's folders allows.
  Right most() const;
  Mode mode(const sync::Path& local) const;

 private:
  Right of(Mode mode) const;
  const Account& account_;
  FolderMap folders_;
  std::set<sync::Path> on_server_;  // by their names here
};

}  // namespace libsync::account

#include "libsync/account/folder_rights.h"

#include <algorithm>

namespace libsync::account {

FolderRights::FolderRights(const Account& account, std::span<const sync::Pair> pairs)
    : account_(account), folders_(account) {
  folders_.know(pairs);
  for (const sync::Pair& pair : pairs) {
    if (!pair.at(sync::Side::A).box.empty()) on_server_.insert(pair.at(sync::Side::B).path);
  }
}

Mode FolderRights::mode(const sync::Path& local) const {
  const sync::Path there = folders_.there(local);
  return there.empty() ? account_.mode : folders_.mode(there);
}

Right FolderRights::of(Mode mode) const {
  // A maildrop has no folders and no flags: what came down is one's own.
  if (account_.remote.protocol == Protocol::Pop3) return Right::Own;
  switch (mode) {
    case Mode::Mirror:
      return account_.local_flags ? Right::Flags : Right::Nothing;
    case Mode::Archive:
      return Right::Own;
    case Mode::TwoWay:
    case Mode::Push:
      break;
  }
  return Right::Carried;
}

Right FolderRights::in(const sync::Path& local) const { return of(mode(local)); }

bool FolderRights::may_move(const sync::Path& from, const sync::Path& to) const {
  const Right one = in(from);
  return one >= Right::Own && one == in(to);
}

bool FolderRights::may_change_folder(const sync::Path& local) const {
  const Right right = in(local);
  return right == Right::Carried || (right == Right::Own && !on_server_.contains(local));
}

Right FolderRights::most() const {
  Right most = of(account_.mode);
  for (const FolderRule& rule : account_.folder_rules) {
    if (rule.mode) most = std::max(most, of(*rule.mode));
  }
  return most;
}

}  // namespace libsync::account

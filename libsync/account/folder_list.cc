#include "libsync/account/folder_list.h"

#include <algorithm>
#include <tuple>

#include "libsync/account/folder_map.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/path.h"

namespace libsync::account {
namespace {

using sync::Pair;
using sync::Path;
using sync::Side;

class Lister {
 public:
  Lister(const Account& account, const KnownFolders& known) : account_(account), known_(known), folders_(account) {
    if (!known.server) {
      for (const Pair& pair : known.pairs) {
        if (!pair.at(Side::A).box.empty())
          server_.push_back({.id = {}, .path = pair.at(Side::A).path, .role = pair.role});
      }
    } else {
      std::ranges::copy_if(*known.server, std::back_inserter(server_),
                           [](const sync::Mailbox& box) { return box.selectable || !box.trouble.empty(); });
    }
    std::vector<Path> paths;
    for (const sync::Mailbox& box : server_) {
      if (box.trouble.empty()) paths.push_back(box.path);
    }
    folders_.know(known.pairs);
    folders_.list(paths);
  }

  std::vector<FolderRow> rows() {
    std::vector<FolderRow> there, here;
    for (const sync::Mailbox& box : server_) there.push_back(of_server(box));
    for (const store::MailboxInfo& box : known_.here) {
      const bool shown = std::ranges::any_of(there, [&](const FolderRow& row) { return row.here == box.path; });
      if (!shown) here.push_back(of_store(box));
    }
    std::ranges::sort(there, {},
                      [](const FolderRow& row) { return std::tuple(!sync::is_inbox(row.server), row.server); });
    std::ranges::sort(here, {}, &FolderRow::here);
    there.insert(there.end(), std::make_move_iterator(here.begin()), std::make_move_iterator(here.end()));
    return there;
  }

 private:
  const Pair* pair_of(Side side, const Path& path) const {
    const auto found = std::ranges::find_if(
        known_.pairs, [&](const Pair& pair) { return !pair.at(side).box.empty() && pair.at(side).path == path; });
    return found == known_.pairs.end() ? nullptr : &*found;
  }
  const store::MailboxInfo* box_here(const Path& path) const {
    const auto found = std::ranges::find(known_.here, path, &store::MailboxInfo::path);
    return found == known_.here.end() ? nullptr : &*found;
  }
  // One of that role that is nobody's yet.
  const store::MailboxInfo* box_by_role(sync::Role role) const {
    if (!account_.match_roles || role == sync::Role::None || role == sync::Role::Inbox) return nullptr;
    const auto found = std::ranges::find_if(known_.here, [&](const store::MailboxInfo& box) {
      const Pair* pair = pair_of(Side::B, box.path);
      return box.role == role && (pair == nullptr || pair->at(Side::A).box.empty());
    });
    return found == known_.here.end() ? nullptr : &*found;
  }

  FolderRow of_server(const sync::Mailbox& box) const {
    FolderRow row{.server = box.path, .on_server = true, .mode = folders_.mode(box.path), .role = box.role};
    row.skipped = box.trouble.empty() ? folders_.why_skipped(box.path) : box.trouble;
    const Pair* pair = pair_of(Side::A, box.path);
    if (pair != nullptr) row.mode = folders_.mode(agreed_name(pair->at(Side::A)));
    const bool paired = pair != nullptr && !pair->at(Side::B).box.empty();
    if (!row.skipped.empty()) {
      // One that took part once stays as it is.
      if (paired) fill_here(row, pair->at(Side::B).path);
      return row;
    }
    fill_here(row, paired ? pair->at(Side::B).path : folders_.here(box.path));
    if (!row.is_here) {
      if (const auto* same_role = box_by_role(box.role)) fill_here(row, same_role->path);
    }
    if (pair != nullptr) fill_kept(row, *pair);
    row.next = next_of(row, paired ? pair : nullptr);
    if (!row.is_here && row.mode == Mode::Push) row.here.clear();
    return row;
  }

  std::string next_of(const FolderRow& row, const Pair* pair) const {
    if (!row.is_here) return row.mode == Mode::Push ? say("is not made here") : say("is made here");
    if (pair == nullptr) return {};
    const Path name = folders_.by_rules(row.server);
    if (name == row.server || name == row.here || sync::is_inbox(row.here)) return {};
    const bool free = box_here(name) == nullptr && !sync::has_prefix(name, row.here) && row.mode != Mode::Push;
    const std::string shown = printable(sync::encode_path(name));
    return free ? say("is called {} here", shown) : say("keeps its name, for {} can't be had here", shown);
  }

  FolderRow of_store(const store::MailboxInfo& box) const {
    FolderRow row;
    fill_here(row, box.path);
    row.role = box.role;
    row.server = folders_.there(box.path);
    row.mode = row.server.empty() ? account_.mode : folders_.mode(row.server);
    if (const Pair* pair = pair_of(Side::B, box.path)) fill_kept(row, *pair);
    row.skipped = folders_.why_skipped(row.server);
    if (!row.skipped.empty()) return row;
    if (!changes_server(row.mode)) {
      row.server.clear();
      return row;
    }
    row.next = say("is made on the server");
    return row;
  }

  void fill_here(FolderRow& row, const Path& path) const {
    row.here = path;
    const store::MailboxInfo* box = box_here(path);
    row.is_here = box != nullptr;
    row.messages = box == nullptr ? 0 : box->messages;
  }
  void fill_kept(FolderRow& row, const Pair& pair) const {
    const auto found = known_.kept.find(pair.id);
    if (found != known_.kept.end()) row.kept = found->second;
  }

  const Account& account_;
  const KnownFolders& known_;
  FolderMap folders_;
  std::vector<sync::Mailbox> server_;
};

}  // namespace

std::vector<FolderRow> list_folders(const Account& account, const KnownFolders& known) {
  return Lister(account, known).rows();
}

std::string_view role_name(sync::Role role) {
  switch (role) {
    case sync::Role::None:
      break;
    case sync::Role::Inbox:
      return "inbox";
    case sync::Role::All:
      return "all";
    case sync::Role::Archive:
      return "archive";
    case sync::Role::Drafts:
      return "drafts";
    case sync::Role::Flagged:
      return "flagged";
    case sync::Role::Junk:
      return "junk";
    case sync::Role::Sent:
      return "sent";
    case sync::Role::Trash:
      return "trash";
    case sync::Role::Important:
      return "important";
  }
  return "";
}

}  // namespace libsync::account

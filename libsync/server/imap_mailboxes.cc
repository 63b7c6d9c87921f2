// CREATE, DELETE, RENAME, SUBSCRIBE and UNSUBSCRIBE (RFC 9051, sections 6.3.4 to 6.3.8; CREATE's USE: RFC 6154).
#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/server/imap_commands.h"
#include "libsync/server/imap_roles.h"
#include "libsync/server/imap_text.h"
#include "libsync/sync/path.h"

namespace libsync::server {
namespace {

// Where it gives nothing, that was answered.
std::optional<Folder> existing(Imap& imap, const sync::Path& path) {
  auto folder = imap.find_folder(path);
  if (!folder) {
    imap.refuse(folder.error());
    return std::nullopt;
  }
  if (!*folder) imap.no("no such mailbox", "NONEXISTENT");
  return std::move(*folder);
}

void set_subscribed(Imap& imap, imap::Parser& in, bool subscribed) {
  const auto path = read_mailbox(imap, in);
  if (!path || !expect_end(imap, in)) return;
  const auto folder = imap.find_folder(*path);
  if (!folder) return imap.refuse(folder.error());
  // Subscriptions go with their mailbox: of one that is no more there is none, as was asked for.
  if (!*folder && !subscribed) return imap.ok("done");
  if (!*folder) return imap.no("no such mailbox", "NONEXISTENT");
  const Status done = imap.mail().subscribe((*folder)->id, subscribed);
  done ? imap.ok("done") : imap.refuse(done.error());
}

// RFC 9051, section 6.3.6: the messages go, the mailbox stays.
Status move_inbox(Imap& imap, const Folder& inbox, const sync::Path& to) {
  TB_ASSIGN(const FolderId target, imap.mail().create_folder(to, sync::Role::None));
  TB_ASSIGN(const auto view, imap.mail().view(inbox.id));
  if (!view || view->uids.empty()) return {};
  TB_ASSIGN(const auto moved, imap.mail().move(inbox.id, view->uids, target));
  (void)moved;
  return {};
}

}  // namespace

void run_create(Imap& imap, imap::Parser& in, bool) {
  const auto path = read_mailbox(imap, in);
  if (!path) return;
  sync::Role role = sync::Role::None;
  bool can_be = true;
  if (in.space() && !read_use(imap, in, role, can_be)) return imap.bad(in.why());
  if (!expect_end(imap, in)) return;
  if (!can_be) return imap.no("no mailbox here is for that", "USEATTR");
  auto taken = imap.find_folder(*path);
  if (!taken) return imap.refuse(taken.error());
  if (*taken) return imap.no("there is one of that name", "ALREADYEXISTS");
  const auto made = imap.mail().create_folder(*path, role);
  if (!made) return imap.refuse(made.error());
  imap.ok("made", imap.has(Ext::ObjectId) ? fmt::format("MAILBOXID (F{})", *made) : std::string());
}

void run_delete(Imap& imap, imap::Parser& in, bool) {
  const auto path = read_mailbox(imap, in);
  if (!path || !expect_end(imap, in)) return;
  if (sync::is_inbox(*path)) return imap.no("INBOX stays", "CANNOT");
  const auto folder = existing(imap, *path);
  if (!folder) return;
  // Its own session's is let go first: what it held is no more.
  if (imap.is_selected() && imap.selected().id == folder->id) imap.unselect();
  const Status done = imap.mail().delete_folder(folder->id);
  done ? imap.ok("deleted") : imap.refuse(done.error());
}

void run_rename(Imap& imap, imap::Parser& in, bool) {
  const auto from = read_mailbox(imap, in);
  if (!from) return;
  const auto to = read_mailbox(imap, in);
  if (!to || !expect_end(imap, in)) return;
  if (sync::has_prefix(*to, *from)) return imap.no("a mailbox can't go below itself", "CANNOT");
  const auto folder = existing(imap, *from);
  if (!folder) return;
  auto taken = imap.find_folder(*to);
  if (!taken) return imap.refuse(taken.error());
  if (*taken) return imap.no("there is one of that name", "ALREADYEXISTS");
  const Status done =
      sync::is_inbox(*from) ? move_inbox(imap, *folder, *to) : imap.mail().rename_folder(folder->id, *to);
  done ? imap.ok("renamed") : imap.refuse(done.error());
}

void run_subscribe(Imap& imap, imap::Parser& in, bool) { set_subscribed(imap, in, true); }
void run_unsubscribe(Imap& imap, imap::Parser& in, bool) { set_subscribed(imap, in, false); }

}  // namespace libsync::server

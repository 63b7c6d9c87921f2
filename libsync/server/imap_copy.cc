// COPY, EXPUNGE (RFC 9051, sections 6.4.7, 6.4.3) and UID EXPUNGE (RFC 4315, section 2.1).
#include "libsync/server/imap_copy.h"

#include <fmt/format.h>

#include "libsync/server/imap_commands.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {

std::optional<CopyWhat> read_copy(Imap& imap, imap::Parser& in, bool uid) {
  if (!in.space()) {
    imap.bad("which messages?");
    return std::nullopt;
  }
  const auto uids = read_messages(imap, in, uid);
  if (!uids) return std::nullopt;
  const auto path = read_mailbox(imap, in);
  if (!path || !expect_end(imap, in)) return std::nullopt;
  const auto folder = imap.find_folder(*path);
  if (!folder) {
    imap.refuse(folder.error());
    return std::nullopt;
  }
  if (!*folder) {
    imap.no("no such mailbox", "TRYCREATE");
    return std::nullopt;
  }
  return CopyWhat{.uids = *uids, .to = (*folder)->id};
}

std::string copy_code(const Imap& imap, const Mail::Copied& copied) {
  if (!imap.has(Ext::UidPlus) || copied.uids.empty()) return {};
  imap::SequenceSet from, to;
  for (const auto& [old, now] : copied.uids) {
    from.add(old);
    to.add(now);
  }
  return fmt::format("COPYUID {} {} {}", copied.uidvalidity, from.text(), to.text());
}

void run_copy(Imap& imap, imap::Parser& in, bool uid) {
  const auto what = read_copy(imap, in, uid);
  if (!what) return;
  const auto copied = imap.mail().copy(imap.selected().id, what->uids, what->to);
  if (!copied) return imap.refuse(copied.error());
  // RFC 9051, section 6.4.7: all or none, and some went meanwhile.
  if (!uid && copied->uids.size() != what->uids.count()) imap.untagged("OK [EXPUNGEISSUED] some were gone");
  imap.ok("copied", copy_code(imap, *copied));
}

void run_expunge(Imap& imap, imap::Parser& in, bool uid) {
  imap::SequenceSet uids = imap.selected().uids.all();
  if (uid) {
    if (!in.space()) return imap.bad("UID EXPUNGE set");
    const auto named = read_messages(imap, in, true);
    if (!named) return;
    uids = *named;
  }
  if (!expect_end(imap, in)) return;
  if (imap.selected().read_only) return imap.no("it can only be read", "NOPERM");
  const auto gone = imap.mail().expunge(imap.selected().id, uids);
  if (!gone) return imap.refuse(gone.error());
  imap.tell_gone(*gone);
  if (!imap.enabled(Ext::Qresync) || gone->empty()) return imap.ok("done");
  // RFC 7162, sections 3.2.7 and 3.2.9. What else happened up to it is told first.
  imap.tell_changes(true);
  imap.ok("done", fmt::format("HIGHESTMODSEQ {}", imap.selected().modseq));
}

}  // namespace libsync::server

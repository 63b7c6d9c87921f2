// STORE (RFC 9051, section 6.4.6; UNCHANGEDSINCE: RFC 7162, section 3.1.3).
#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/server/imap_commands.h"
#include "libsync/server/imap_modseq.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

struct What {
  FlagChange change = FlagChange::Replace;
  bool silent = false;
  sync::Flags flags{};
};

bool read_what(imap::Parser& in, What& what) {
  if (in.ch('+')) {
    what.change = FlagChange::Add;
  } else if (in.ch('-')) {
    what.change = FlagChange::Remove;
  }
  std::string_view name = in.atom();
  if (name.size() == 12 && iequals(name.substr(5), ".SILENT")) {
    what.silent = true;
    name = name.substr(0, 5);
  }
  if (!iequals(name, "FLAGS")) return in.malformed("FLAGS, +FLAGS or -FLAGS");
  return in.expect_space() && read_flags(in, what.flags, true);
}

// RFC 9051, section 6.4.6: the new flags, unless asked not to; RFC 7162, section 3.1.3: MODSEQ in any case.
void tell(Imap& imap, const MessageRow& row, bool uid, bool silent) {
  Selected& s = imap.selected();
  s.own[row.uid] = row.modseq;
  if (!silent) return imap.tell_flags(row, uid);
  if (!imap.wants_modseq()) return;
  const auto number = s.uids.number_of(row.uid);
  if (!number) return;
  imap.untagged(fmt::format("{} FETCH (UID {} MODSEQ ({}))", *number, row.uid, row.modseq));
}

}  // namespace

void run_store(Imap& imap, imap::Parser& in, bool uid) {
  if (!in.space()) return imap.bad("STORE set +FLAGS (flags)");
  const auto uids = read_messages(imap, in, uid);
  if (!uids) return;
  std::optional<uint64_t> unchanged_since;
  if (!in.space()) return imap.bad("STORE set +FLAGS (flags)");
  if (in.peek() == '(' && (!read_unchanged_since(imap, in, unchanged_since) || !in.space())) return imap.bad(in.why());
  What what;
  if (!read_what(in, what)) return imap.bad(in.why());
  if (!expect_end(imap, in)) return;
  Selected& s = imap.selected();
  if (s.read_only) return imap.no("it can only be read", "NOPERM");
  // Of a message that is changed here no more than that would be told: what others did to it first, even with .SILENT
  // (RFC 9051, section 6.4.6).
  imap.tell_changes(false);
  if (imap.over()) return;
  const auto stored = imap.mail().change_flags(s.id, *uids, what.change, what.flags, unchanged_since);
  if (!stored) return imap.refuse(stored.error());
  for (const MessageRow& row : stored->rows) tell(imap, row, uid, what.silent);
  if (stored->modified.empty()) return imap.ok("done");
  imap::SequenceSet failed = uid ? stored->modified : s.uids.numbers_of(stored->modified);
  imap.ok("done, but for those that have changed", "MODIFIED " + failed.text());
}

}  // namespace libsync::server

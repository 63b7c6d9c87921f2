// SELECT, EXAMINE, CLOSE and CHECK (RFC 9051, sections 6.3.2, 6.3.3, 6.4.1; RFC 3501, section 6.4.1). CONDSTORE's and
// QRESYNC's parameters are in imap_ext_condstore.cc and imap_ext_qresync.cc.
#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/server/imap_commands.h"
#include "libsync/server/imap_modseq.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

struct SelectOptions {
  bool condstore = false;
  std::optional<QresyncKnown> qresync{};
};

bool read_options(Imap& imap, imap::Parser& in, SelectOptions& options) {
  return in.expect_list([&] {
    const std::string_view name = in.atom();
    if (iequals(name, "CONDSTORE") && imap.has(Ext::Condstore)) return options.condstore = true;
    if (iequals(name, "QRESYNC") && imap.enabled(Ext::Qresync)) {
      options.qresync.emplace();
      return read_qresync(in, *options.qresync);
    }
    return in.malformed("no such option");
  });
}

void tell_mailbox(Imap& imap, const Folder& folder) {
  Selected& s = imap.selected();
  imap.untagged("FLAGS " + flag_list(s.keywords));
  std::string permanent = flag_list(s.keywords);
  const bool any = imap.mail().writable_in(folder.path) != Writable::Nothing && !s.read_only;
  if (any) permanent.replace(permanent.size() - 1, 1, " \\*)");
  imap.untagged(fmt::format("OK [PERMANENTFLAGS {}] {}", any ? permanent : "()", any ? "kept" : "none is kept"));
  imap.untagged(fmt::format("{} EXISTS", s.uids.count()));
  if (!imap.rev2()) imap.untagged("0 RECENT");
  imap.untagged(fmt::format("OK [UIDVALIDITY {}] UIDs are valid", folder.uidvalidity));
  imap.untagged(fmt::format("OK [UIDNEXT {}] comes next", folder.uidnext));
  if (imap.has(Ext::Condstore)) imap.untagged(fmt::format("OK [HIGHESTMODSEQ {}] so far", folder.highestmodseq));
  if (imap.has(Ext::ObjectId)) imap.untagged(fmt::format("OK [MAILBOXID (F{})] its id", folder.id));
  if (imap.rev2()) imap.untagged("LIST () \"/\" " + mailbox_string(imap, folder.path));
}

void open(Imap& imap, imap::Parser& in, bool read_only) {
  std::string name;
  if (!in.space() || !in.astring(name)) return imap.bad("a mailbox name is missing");
  SelectOptions options;
  if (in.space() && !read_options(imap, in, options)) return imap.bad(in.why());
  if (!expect_end(imap, in)) return;
  if (options.condstore || options.qresync) imap.enable(Ext::Condstore);
  if (imap.is_selected()) {
    imap.unselect();
    // RFC 7162, section 3.2.11, and RFC 9051, section 7.1: what follows is of the new one.
    if (imap.enabled(Ext::Qresync) || imap.rev2()) imap.untagged("OK [CLOSED] the other mailbox");
  }
  const auto path = imap.path_of(name);
  if (!path) return imap.no("that can't be a mailbox name", "CANNOT");
  auto folder = imap.find_folder(*path);
  if (!folder) return imap.refuse(folder.error());
  if (!*folder) return imap.no("no such mailbox", "NONEXISTENT");
  // Before the view is taken: what is written meanwhile is then told, perhaps twice.
  const uint64_t generation = imap.mail().generation();
  auto view = imap.mail().view((*folder)->id);
  if (!view) return imap.refuse(view.error());
  if (!*view) return imap.no("no such mailbox", "NONEXISTENT");
  Mail::View& seen = **view;
  read_only = read_only || imap.mail().writable_in(seen.folder.path) == Writable::Nothing;
  imap.select({.id = seen.folder.id,
               .path = seen.folder.path,
               .uidvalidity = seen.folder.uidvalidity,
               .read_only = read_only,
               .uids = UidMap(seen.uids),
               .modseq = seen.folder.highestmodseq,
               .keywords = std::move(seen.keywords)},
              generation);
  tell_mailbox(imap, seen.folder);
  if (options.qresync) tell_since(imap, *options.qresync);
  imap.ok("selected", read_only ? "READ-ONLY" : "READ-WRITE");
}

}  // namespace

void run_select(Imap& imap, imap::Parser& in, bool) { open(imap, in, false); }
void run_examine(Imap& imap, imap::Parser& in, bool) { open(imap, in, true); }

void run_close(Imap& imap, imap::Parser& in, bool) {
  if (!expect_end(imap, in)) return;
  Selected& s = imap.selected();
  Status expunged;
  if (!s.read_only && imap.mail().writable_in(s.path) == Writable::All) {
    auto gone = imap.mail().expunge(s.id, s.uids.all());
    if (!gone) expunged = fail(gone.error());
  }
  imap.unselect();
  expunged ? imap.ok("closed") : imap.refuse(expunged.error());
}

void run_check(Imap& imap, imap::Parser& in, bool) {
  if (expect_end(imap, in)) imap.ok("nothing waits");
}

}  // namespace libsync::server

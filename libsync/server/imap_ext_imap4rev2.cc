// IMAP4rev2 (RFC 9051), where a client enables it: names in UTF-8, ESEARCH for SEARCH, no RECENT. What was an extension
// of IMAP4rev1 and is part of it has a file of its own; without one of those it is not on offer.
#include <fmt/format.h>

#include "libsync/server/imap_core.h"

namespace libsync::server {
namespace {

Result<std::string> deleted(Imap& imap, const Folder& folder) {
  uint64_t count = 0;
  TB_ASSIGN(const auto view, imap.mail().view(folder.id));
  if (!view) return fail(Errc::NotFound, "the mailbox is gone");
  TB_TRY(imap.mail().rows(folder.id, view->uids, Want::Flags, [&](const MessageRow& row, const Columns&) {
    if ((row.flags.system & sync::kDeleted) != 0) ++count;
    return true;
  }));
  return fmt::format("{}", count);
}

// Section 6.3.11.
constexpr StatusRow kStatus[] = {{.name = "DELETED", .value = deleted}};

}  // namespace

const Extension kImap4rev2 = {.id = Ext::Imap4rev2,
                              .name = "IMAP4rev2",
                              .when = Extension::When::Always,
                              .status = kStatus,
                              .enabled_by_name = true};

}  // namespace libsync::server

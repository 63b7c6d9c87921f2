// STATUS (RFC 9051, section 6.3.11).
#include "libsync/server/imap_status.h"

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/server/imap_commands.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

constexpr StatusRow kRows[] = {
    {.name = "MESSAGES",
     .value = [](Imap&, const Folder& f) -> Result<std::string> { return fmt::format("{}", f.messages); }},
    {.name = "RECENT", .value = [](Imap&, const Folder&) -> Result<std::string> { return "0"; }},
    {.name = "UIDNEXT",
     .value = [](Imap&, const Folder& f) -> Result<std::string> { return fmt::format("{}", f.uidnext); }},
    {.name = "UIDVALIDITY",
     .value = [](Imap&, const Folder& f) -> Result<std::string> { return fmt::format("{}", f.uidvalidity); }},
    {.name = "UNSEEN",
     .value = [](Imap&, const Folder& f) -> Result<std::string> { return fmt::format("{}", f.unseen); }},
};

const StatusRow* find(const Imap& imap, std::string_view name) {
  for (const Extension* each : extensions()) {
    if (!imap.has(each->id)) continue;
    for (const StatusRow& row : each->status) {
      if (iequals(row.name, name)) return &row;
    }
  }
  return nullptr;
}

}  // namespace

std::span<const StatusRow> base_status_rows() { return kRows; }

bool read_status_items(Imap& imap, imap::Parser& in, StatusItems& items) {
  return in.expect_list([&] {
    const StatusRow* row = find(imap, in.atom());
    if (row == nullptr || items.size() >= kMaxStatusItems) return in.malformed("no such item");
    items.push_back(row);
    // RFC 7162, section 3.1: who asks for it is told of it from then on.
    if (row->name == "HIGHESTMODSEQ") imap.enable(Ext::Condstore);
    return true;
  });
}

Result<std::string> status_text(Imap& imap, const Folder& folder, const StatusItems& items) {
  std::string text = "STATUS " + mailbox_string(imap, folder.path) + " (";
  for (const StatusRow* row : items) {
    TB_ASSIGN(const std::string value, row->value(imap, folder));
    if (row != items.front()) text += ' ';
    text.append(row->name).append(" ").append(value);
  }
  return text + ")";
}

void run_status(Imap& imap, imap::Parser& in, bool) {
  const auto path = read_mailbox(imap, in);
  if (!path) return;
  StatusItems items;
  if (!in.space() || !read_status_items(imap, in, items)) return imap.bad(in.why());
  if (!expect_end(imap, in)) return;
  if (items.empty()) return imap.bad("which items?");
  auto folder = imap.find_folder(*path);
  if (!folder) return imap.refuse(folder.error());
  if (!*folder) return imap.no("no such mailbox", "NONEXISTENT");
  const auto text = status_text(imap, **folder, items);
  if (!text) return imap.refuse(text.error());
  imap.untagged(*text);
  imap.ok("done");
}

}  // namespace libsync::server

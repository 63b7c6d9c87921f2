#include "libsync/store/edit.h"

#include <algorithm>
#include <vector>

#include "libsync/sync/path.h"

namespace libsync::store {

std::optional<MailboxInfo> with_role(std::span<const MailboxInfo> boxes, sync::Role role) {
  const auto found = std::ranges::find(boxes, role, &MailboxInfo::role);
  return found == boxes.end() ? std::nullopt : std::optional(*found);
}

bool is_in_trash(std::span<const MailboxInfo> boxes, const sync::Path& path) {
  const auto trash = with_role(boxes, sync::Role::Trash);
  return trash && (path == trash->path || sync::has_prefix(path, trash->path));
}

std::optional<sync::Path> name_in_the_way(std::span<const MailboxInfo> boxes, const sync::Path& from,
                                          const sync::Path& to) {
  for (const MailboxInfo& box : boxes) {
    if (box.path != from && (!sync::has_prefix(box.path, from) || sync::is_inbox(from))) continue;
    sync::Path name = to;
    name.insert(name.end(), box.path.begin() + static_cast<std::ptrdiff_t>(from.size()), box.path.end());
    if (std::ranges::find(boxes, name, &MailboxInfo::path) != boxes.end()) return name;
  }
  return std::nullopt;
}

Result<uint64_t> remove_all(Store& store, Write& write, MailboxId id) {
  std::vector<MessageId> messages;
  {
    TB_ASSIGN(auto s, store.db().prepare("SELECT id FROM message WHERE mailbox=? ORDER BY uid"));
    s.bind(id);
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) break;
      messages.push_back(s.integer(0));
    }
  }
  for (const MessageId message : messages) TB_TRY(write.remove(message));
  return messages.size();
}

}  // namespace libsync::store

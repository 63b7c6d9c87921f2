#include "libsync/replicas/imap_roles.h"

#include <algorithm>

#include "libsync/base/text.h"

namespace libsync::replicas {
namespace {

using sync::Role;

struct Row {
  std::string_view name;
  Role role;
};

constexpr Row kAttributes[] = {
    {"\\All", Role::All},       {"\\AllMail", Role::All},         {"\\Archive", Role::Archive},
    {"\\Drafts", Role::Drafts}, {"\\Flagged", Role::Flagged},     {"\\Starred", Role::Flagged},
    {"\\Junk", Role::Junk},     {"\\Spam", Role::Junk},           {"\\Sent", Role::Sent},
    {"\\Trash", Role::Trash},   {"\\Important", Role::Important},
};

// Outlook, Apple Mail, Thunderbird, Roundcube, Yahoo, AOL; NetEase and Tencent in Chinese; German.
constexpr Row kNames[] = {
    {"Sent", Role::Sent},
    {"Sent Items", Role::Sent},
    {"Sent Messages", Role::Sent},
    {"Sent Mail", Role::Sent},
    {"已发送", Role::Sent},
    {"Gesendet", Role::Sent},
    {"Drafts", Role::Drafts},
    {"Draft", Role::Drafts},
    {"草稿箱", Role::Drafts},
    {"Entwürfe", Role::Drafts},
    {"Trash", Role::Trash},
    {"Deleted Items", Role::Trash},
    {"Deleted Messages", Role::Trash},
    {"Deleted", Role::Trash},
    {"Bin", Role::Trash},
    {"已删除", Role::Trash},
    {"Papierkorb", Role::Trash},
    {"Junk", Role::Junk},
    {"Spam", Role::Junk},
    {"Junk E-mail", Role::Junk},
    {"Junk Email", Role::Junk},
    {"Bulk Mail", Role::Junk},
    {"Bulk", Role::Junk},
    {"垃圾邮件", Role::Junk},
    {"Archive", Role::Archive},
    {"Archives", Role::Archive},
};

}  // namespace

Role role_by_attributes(const imap::ListData& data) {
  for (const Row& row : kAttributes) {
    if (data.has(row.name)) return row.role;
  }
  return Role::None;
}

std::string_view attribute_of(Role role) {
  const auto* row = std::ranges::find(kAttributes, role, &Row::role);
  return row == std::end(kAttributes) ? std::string_view() : row->name;
}

void add_roles_by_name(std::span<sync::Mailbox> mailboxes) {
  const auto taken = [&](Role role) {
    return std::ranges::find(mailboxes, role, &sync::Mailbox::role) != mailboxes.end();
  };
  for (sync::Mailbox& box : mailboxes) {
    if (box.path == sync::Path{"INBOX"}) box.role = Role::Inbox;
  }
  // By name only at the top or right below INBOX, the better-known name first.
  for (const Row& row : kNames) {
    if (taken(row.role)) continue;
    const auto named = std::ranges::find_if(mailboxes, [&](const sync::Mailbox& box) {
      const bool near = box.path.size() == 1 || (box.path.size() == 2 && box.path.front() == "INBOX");
      return near && box.selectable && box.role == Role::None && iequals(box.path.back(), row.name);
    });
    if (named != mailboxes.end()) named->role = row.role;
  }
}

}  // namespace libsync::replicas

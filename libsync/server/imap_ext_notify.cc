// NOTIFY (RFC 5465): changes of other mailboxes too, told when they happen.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/server/imap_fetch.h"
#include "libsync/server/imap_list.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

constexpr size_t kMaxGroups = 100;
constexpr size_t kMaxNames = 1000;  // of mailboxes, in all groups

enum Events : uint8_t { kNew = 1, kExpunge = 2, kFlags = 4, kName = 8, kSubscription = 16 };

struct Group {
  enum class Of : uint8_t { Selected, SelectedDelayed, Inboxes, Personal, Subscribed, Subtree, Mailboxes } of{};
  std::vector<sync::Path> paths{};
  uint8_t events = 0;
  std::vector<FetchItem> items{};  // MessageNew's, of what is selected
};

bool covers(const Group& group, const Folder& folder) {
  switch (group.of) {
    case Group::Of::Selected:
    case Group::Of::SelectedDelayed:
      return false;
    // Where mail comes in: nothing here sorts it elsewhere (section 6.3).
    case Group::Of::Inboxes:
      return folder.path == sync::Path{"INBOX"};
    case Group::Of::Personal:
      return true;
    case Group::Of::Subscribed:
      return folder.subscribed;
    case Group::Of::Subtree:
      return std::ranges::any_of(group.paths, [&](const sync::Path& root) {
        return folder.path.size() >= root.size() && std::equal(root.begin(), root.end(), folder.path.begin());
      });
    case Group::Of::Mailboxes:
      return std::ranges::find(group.paths, folder.path) != group.paths.end();
  }
  return false;
}

class Notifying final : public Imap::Watching {
 public:
  explicit Notifying(std::vector<Group> groups) : groups_(std::move(groups)) {}

  Status begin(Imap& imap, bool tell_status) {
    generation_ = imap.mail().generation();
    TB_ASSIGN(const auto folders, imap.mail().folders());
    for (const Folder& folder : folders) {
      const bool other = !imap.is_selected() || imap.selected().id != folder.id;
      if (tell_status && other && (events_of(folder) & (kNew | kExpunge | kFlags)) != 0) status(imap, folder, true);
      known_.emplace(folder.id, folder);
    }
    return {};
  }

  void look(Imap& imap) override {
    if (const uint64_t now = imap.mail().generation(); now != generation_) {
      auto folders = imap.mail().folders();
      if (folders) {
        generation_ = now;
        compare(imap, *folders);
      }
    }
    const Group* selected = selected_group();
    if (selected == nullptr || !imap.is_selected()) {
      arrived_.clear();
      return;
    }
    // Section 6.1: numbers may change at any time; 6.2: only where a command lets them.
    if (selected->events != 0) imap.tell_changes(selected->of == Group::Of::Selected);
    if (arrived_.empty() || selected->items.empty()) return;
    imap.work(fetch_untagged(imap, selected->items, std::exchange(arrived_, {})));
  }

  void arrived(const imap::SequenceSet& uids) override {
    const Group* selected = selected_group();
    if (selected == nullptr || selected->items.empty()) return;
    for (const auto& range : uids.ranges()) arrived_.add(range.first, range.last);
  }

 private:
  const Group* selected_group() const {
    const auto found = std::ranges::find_if(groups_, [](const Group& group) {
      return group.of == Group::Of::Selected || group.of == Group::Of::SelectedDelayed;
    });
    return found == groups_.end() ? nullptr : &*found;
  }

  // Section 6: the first group that names it decides.
  uint8_t events_of(const Folder& folder) const {
    const auto found = std::ranges::find_if(groups_, [&](const Group& group) { return covers(group, folder); });
    return found == groups_.end() ? uint8_t{0} : found->events;
  }

  static void status(Imap& imap, const Folder& folder, bool with_uidvalidity) {
    std::string text = fmt::format("STATUS {} (MESSAGES {} UIDNEXT {}", mailbox_string(imap, folder.path),
                                   folder.messages, folder.uidnext);
    if (with_uidvalidity) text += fmt::format(" UIDVALIDITY {}", folder.uidvalidity);
    if (imap.wants_modseq()) text += fmt::format(" HIGHESTMODSEQ {}", folder.highestmodseq);
    imap.untagged(text + ")");
  }

  void compare(Imap& imap, const std::vector<Folder>& folders) {
    std::map<FolderId, Folder> now;
    for (const Folder& folder : folders) now.emplace(folder.id, folder);
    for (const auto& [id, before] : known_) {
      if (now.contains(id) || (events_of(before) & kName) == 0) continue;
      imap.untagged("LIST (\\NonExistent) \"/\" " + mailbox_string(imap, before.path));
    }
    for (const auto& [id, folder] : now) {
      const auto before = known_.find(id);
      const uint8_t events = events_of(folder);
      before == known_.end() ? tell_made(imap, folder, events) : tell_changed(imap, before->second, folder, events);
    }
    known_ = std::move(now);
  }

  static void tell_made(Imap& imap, const Folder& folder, uint8_t events) {
    const std::string subscribed = folder.subscribed ? "\\Subscribed" : "";
    if ((events & kName) != 0) {
      imap.untagged("LIST (" + subscribed + ") \"/\" " + mailbox_string(imap, folder.path));
    }
    if ((events & kNew) != 0 && folder.messages > 0) status(imap, folder, true);
  }

  void tell_changed(Imap& imap, const Folder& before, const Folder& folder, uint8_t events) {
    const std::string name = mailbox_string(imap, folder.path);
    const std::string subscribed = folder.subscribed ? "\\Subscribed" : "";
    if (before.path != folder.path && ((events | events_of(before)) & kName) != 0) {
      imap.untagged(
          fmt::format("LIST ({}) \"/\" {} (\"OLDNAME\" ({}))", subscribed, name, mailbox_string(imap, before.path)));
    } else if (before.subscribed != folder.subscribed && (events & kSubscription) != 0) {
      imap.untagged("LIST (" + subscribed + ") \"/\" " + name);
    }
    if (imap.is_selected() && imap.selected().id == folder.id) return;
    const bool messages = before.uidnext != folder.uidnext || before.messages != folder.messages;
    const bool told = messages && (events & (kNew | kExpunge)) != 0;
    // Section 5.3: without modseq a client could make nothing of it.
    const bool flags = before.highestmodseq != folder.highestmodseq && (events & kFlags) != 0 && imap.wants_modseq();
    if (told || flags) status(imap, folder, before.uidvalidity != folder.uidvalidity || (flags && !told));
  }

  std::vector<Group> groups_;
  std::map<FolderId, Folder> known_;
  uint64_t generation_ = 0;
  imap::SequenceSet arrived_;
};

// Reading the command (section 8).

struct Reading {
  Imap& imap;
  imap::Parser& in;
  size_t names = 0;
  bool bad_event = false;
};

bool read_paths(Reading& r, Group& group) {
  const auto one = [&] {
    std::string name;
    if (++r.names > kMaxNames || !r.in.expect_astring(name)) return r.in.malformed("too many mailbox names");
    const auto path = r.imap.path_of(name);
    // One that can't be is one that is not there.
    if (path) group.paths.push_back(*path);
    return true;
  };
  if (!r.in.expect_space()) return false;
  return r.in.peek() == '(' ? r.in.expect_list(one) : one();
}

bool read_filter(Reading& r, Group& group) {
  const std::string_view name = r.in.atom();
  using Of = Group::Of;
  constexpr std::pair<std::string_view, Of> kNames[] = {
      {"SELECTED", Of::Selected},     {"SELECTED-DELAYED", Of::SelectedDelayed},
      {"INBOXES", Of::Inboxes},       {"PERSONAL", Of::Personal},
      {"SUBSCRIBED", Of::Subscribed}, {"SUBTREE", Of::Subtree},
      {"MAILBOXES", Of::Mailboxes}};
  const auto found = std::ranges::find_if(kNames, [&](const auto& row) { return iequals(row.first, name); });
  if (found == std::end(kNames)) return r.in.malformed("no such mailboxes");
  group.of = found->second;
  return (group.of != Of::Subtree && group.of != Of::Mailboxes) || read_paths(r, group);
}

bool read_event(Reading& r, Group& group) {
  const std::string_view name = r.in.atom();
  constexpr std::pair<std::string_view, uint8_t> kNames[] = {{"MessageNew", kNew},
                                                             {"MessageExpunge", kExpunge},
                                                             {"FlagChange", kFlags},
                                                             {"MailboxName", kName},
                                                             {"SubscriptionChange", kSubscription}};
  const auto found = std::ranges::find_if(kNames, [&](const auto& row) { return iequals(row.first, name); });
  if (name.empty()) return r.in.malformed("an event is missing");
  if (found == std::end(kNames)) {
    r.bad_event = true;
    return true;
  }
  group.events |= found->second;
  imap::Parser ahead = r.in;
  if (found->second != kNew || !ahead.space() || ahead.peek() != '(') return true;
  r.in.space();
  return read_fetch_items(r.imap, r.in, group.items);
}

bool read_group(Reading& r, std::vector<Group>& groups) {
  if (groups.size() >= kMaxGroups) return r.in.malformed("too many groups");
  Group& group = groups.emplace_back();
  if (!r.in.expect_ch('(') || !read_filter(r, group) || !r.in.expect_space()) return false;
  if (r.in.peek() != '(') {
    if (!iequals(r.in.atom(), "NONE")) return r.in.malformed("(events) or NONE");
  } else if (!r.in.expect_list([&] { return read_event(r, group); })) {
    return false;
  }
  if (!r.in.expect_ch(')')) return false;
  const bool of_selected = group.of == Group::Of::Selected || group.of == Group::Of::SelectedDelayed;
  const uint8_t both = kNew | kExpunge;
  // Section 5: one without the other, or flags without both, can't be made sense of.
  if ((group.events & both) != 0 && (group.events & both) != both)
    return r.in.malformed("MessageNew and MessageExpunge");
  if ((group.events & kFlags) != 0 && (group.events & both) != both) {
    return r.in.malformed("FlagChange needs MessageNew and MessageExpunge");
  }
  if (of_selected && (group.events & (kName | kSubscription)) != 0) return r.in.malformed("not of what is selected");
  if (!of_selected && !group.items.empty()) return r.in.malformed("only of what is selected");
  return true;
}

void run_notify(Imap& imap, imap::Parser& in, bool) {
  if (!in.space()) return imap.bad("NOTIFY SET or NONE");
  const std::string_view what = in.atom();
  if (iequals(what, "NONE")) {
    if (!expect_end(imap, in)) return;
    imap.watch(nullptr);
    return imap.ok("done");
  }
  if (!iequals(what, "SET")) return imap.bad("NOTIFY SET or NONE");
  Reading reading{.imap = imap, .in = in};
  std::vector<Group> groups;
  bool status = false;
  while (in.space()) {
    if (groups.empty() && !status && in.peek() != '(' && iequals(in.atom(), "STATUS")) {
      status = true;
    } else if (!read_group(reading, groups)) {
      return imap.bad(in.why());
    }
  }
  if (groups.empty()) return imap.bad("of which mailboxes?");
  if (!expect_end(imap, in)) return;
  if (reading.bad_event) {
    return imap.no("no such event", "BADEVENT (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange)");
  }
  auto notifying = std::make_unique<Notifying>(std::move(groups));
  if (const Status begun = notifying->begin(imap, status); !begun) return imap.refuse(begun.error());
  imap.watch(std::move(notifying));
  imap.ok("done");
}

constexpr CommandRow kCommands[] = {{.name = "NOTIFY", .states = kInside, .run = run_notify}};

}  // namespace

const Extension kNotify = {.id = Ext::Notify, .name = "NOTIFY", .commands = kCommands};

}  // namespace libsync::server

#include "libsync/account/folder_options.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <unordered_map>

#include "libsync/sync/path.h"

namespace libsync::account {
namespace {

constexpr std::array<Mode, 4> kModes = {Mode::Mirror, Mode::TwoWay, Mode::Push, Mode::Archive};

// A sync asks several times for each message: a pair has the same answer as long as it is called the same. What counts
// is the name on the server that both sides agreed on: one that is renamed there does not leave its mode by that.
class Cans {
 public:
  Cans(const FolderMap& folders, std::array<sync::Policy, kModes.size()> policies)
      : folders_(folders), policies_(policies) {}

  sync::Can in(sync::Side side, const sync::Pair& pair) {
    const sync::Pair::End& there = pair.at(sync::Side::A);
    Known& known = known_[pair.id];
    if (known.path != there.path || known.base != there.base || known.path.empty()) known = find(there);
    return known.can[sync::index(side)];
  }

 private:
  struct Known {
    sync::Path path{}, base{};
    std::array<sync::Can, 2> can{};
  };

  Known find(const sync::Pair::End& there) const {
    const Mode mode = folders_.mode(agreed_name(there));
    Known known{there.path, there.base, policies_[static_cast<size_t>(mode)].can};
    // Nor is an archive taken to where it would be none: it keeps its name here.
    const bool stays = mode == Mode::Archive && folders_.mode(there.path) != Mode::Archive;
    if (stays) known.can[sync::index(sync::Side::B)].rename_box = false;
    return known;
  }
  const FolderMap& folders_;
  const std::array<sync::Policy, kModes.size()> policies_;
  std::unordered_map<sync::PairId, Known> known_;
};

}  // namespace

sync::Policy policy_of(const Account& account, Mode mode, const sync::Capabilities& remote) {
  sync::Policy policy;
  switch (mode) {
    case Mode::Mirror:
      policy = sync::mirror_policy(remote, account.leave);
      break;
    case Mode::TwoWay:
      policy = sync::two_way_policy(remote, account.leave);
      break;
    case Mode::Push:
      return sync::push_policy(remote);
    case Mode::Archive:
      policy = sync::archive_policy(remote, account.leave);
      break;
  }
  sync::Can& here = policy.can[sync::index(sync::Side::B)];
  here.keeps_flags = here.keeps_flags || account.local_flags || policy.keeps_flags;
  return policy;
}

void set_folder_options(const Account& account, const FolderMap& folders, const sync::Capabilities& remote,
                        sync::SyncOptions& options) {
  options.policy = policy_of(account, account.mode, remote);
  options.match_roles = account.match_roles;
  const auto memory = std::make_shared<std::map<sync::Path, bool>>();
  options.takes_part = [&folders, memory](const sync::Path& path) {
    const auto [known, is_new] = memory->try_emplace(path, false);
    if (is_new) known->second = folders.takes_part(path);
    return known->second;
  };
  if (folders.renames()) {
    options.translate = [&folders](sync::Side from, const sync::Path& path) {
      return from == sync::Side::A ? folders.here(path) : folders.there(path);
    };
  }
  if (!folders.has_modes()) return;
  std::array<sync::Policy, kModes.size()> policies;
  for (const Mode mode : kModes) {
    policies[static_cast<size_t>(mode)] = policy_of(account, mode, remote);
    if (folders.any(mode)) options.policy = sync::both_of(options.policy, policies[static_cast<size_t>(mode)]);
  }
  options.policy.keeps_flags = false;  // each folder says so for itself
  const auto cans = std::make_shared<Cans>(folders, policies);
  options.can_in = [cans](sync::Side side, const sync::Pair& pair) { return cans->in(side, pair); };
}

namespace {

bool is_settled(const sync::Pair::End& end) { return !end.box.empty() && !end.base.empty() && end.path == end.base; }

// What came along is put back under its own name.
Status rename_alone(store::Write& write, const std::vector<store::MailboxInfo>& boxes, const store::MailboxInfo& box,
                    const sync::Path& to) {
  TB_TRY(write.rename_mailbox(box.id, to));
  std::vector<const store::MailboxInfo*> below;
  for (const store::MailboxInfo& each : boxes) {
    if (sync::has_prefix(each.path, box.path)) below.push_back(&each);
  }
  std::ranges::sort(below, {}, [](const store::MailboxInfo* each) { return each->path.size(); });
  for (const store::MailboxInfo* each : below) {
    TB_ASSIGN(const auto now, write.mailbox(each->id));
    if (now && now->path != each->path) TB_TRY(write.rename_mailbox(each->id, each->path));
  }
  return {};
}

}  // namespace

Status take_new_names(const FolderMap& folders, store::Store& store, sync::Link& link) {
  TB_ASSIGN(auto pairs, link.pairs());
  TB_ASSIGN(const auto write, store.begin());
  bool any = false;
  for (sync::Pair& pair : pairs) {
    sync::Pair::End& here = pair.at(sync::Side::B);
    const sync::Path& there = pair.at(sync::Side::A).path;
    const sync::Path name = folders.by_rules(there);
    const bool settled = is_settled(pair.at(sync::Side::A)) && is_settled(here);
    if (!settled || name == there || name == here.path || sync::is_inbox(here.path) ||
        folders.mode(there) == Mode::Push)
      continue;
    TB_ASSIGN(const auto boxes, store.mailboxes());
    const auto box = std::ranges::find(boxes, here.path, &store::MailboxInfo::path);
    const bool taken =
        std::ranges::find(boxes, name, &store::MailboxInfo::path) != boxes.end() || sync::has_prefix(name, here.path);
    if (box == boxes.end() || taken) continue;
    TB_TRY(rename_alone(*write, boxes, *box, name));
    here.path = here.base = name;
    TB_TRY(link.put(pair));
    any = true;
  }
  return any ? write->commit() : Status();
}

}  // namespace libsync::account

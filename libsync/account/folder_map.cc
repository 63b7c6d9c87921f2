#include "libsync/account/folder_map.h"

#include <algorithm>
#include <array>

#include "libsync/account/folder_filter.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/path.h"

namespace libsync::account {
namespace {

constexpr std::string_view kBelow = "/**";

bool begins_with_inbox(const sync::Path& path) { return !path.empty() && iequals(path.front(), "INBOX"); }

sync::Path path_of(std::string_view text) {
  sync::Path path = sync::decode_path(text);
  if (begins_with_inbox(path)) path.front() = "INBOX";
  return path;
}

// What `from` makes of the path when it becomes `to`.
std::optional<sync::Path> replaced(const sync::Path& path, const RenamePattern& from, const RenamePattern& to) {
  if (sync::is_inbox(path)) return std::nullopt;
  if (!from.below) return path == from.path ? std::optional(to.path) : std::nullopt;
  if (!sync::has_prefix(path, from.path)) return std::nullopt;
  sync::Path out = sync::moved_along(path, from.path, to.path);
  // INBOX is one mailbox whatever its letters (RFC 3501, section 5.1), and nothing else may come to be it or be below
  // it unasked.
  const bool asked = begins_with_inbox(to.path);
  if (sync::is_inbox(out) || (begins_with_inbox(out) && !asked)) return std::nullopt;
  return out;
}

}  // namespace

std::optional<RenamePattern> rename_pattern(std::string_view text) {
  RenamePattern out;
  if (text == "**") return RenamePattern{.path = {}, .below = true};
  if (text.ends_with(kBelow)) {
    out.below = true;
    text.remove_suffix(kBelow.size());
  }
  if (text.empty() || text.find_first_of("*?") != text.npos) return std::nullopt;
  out.path = path_of(text);
  if (!sync::is_plain(out.path)) return std::nullopt;
  return out;
}

const sync::Path& agreed_name(const sync::Pair::End& there) { return there.base.empty() ? there.path : there.base; }

FolderMap::FolderMap(const Account& account) : account_(account) {
  for (const FolderRule& rule : account.folder_rules) {
    has_modes_ = has_modes_ || rule.mode.has_value();
    if (rule.rename.empty()) continue;
    const auto from = rename_pattern(rule.match), to = rename_pattern(rule.rename);
    if (from && to) rules_.push_back({*from, *to});
  }
  renames_ = !rules_.empty();
}

sync::Path FolderMap::by_rules(const sync::Path& server) const {
  for (const Rule& rule : rules_) {
    if (auto name = replaced(server, rule.from, rule.to)) return *std::move(name);
  }
  return server;
}

sync::Path FolderMap::here(const sync::Path& server) const {
  if (!renames_) return server;
  const auto kept = kept_.find(server);
  return kept != kept_.end() ? kept->second : by_rules(server);
}

sync::Path FolderMap::there(const sync::Path& local) const {
  if (!renames_ || sync::is_inbox(local)) return local;
  if (const auto claimed = claimed_.find(local); claimed != claimed_.end()) return claimed->second;
  for (const Rule& rule : rules_) {
    auto name = replaced(local, rule.to, rule.from);
    if (name && here(*name) == local) return *std::move(name);
  }
  return here(local) == local ? local : sync::Path{};
}

void FolderMap::know(std::span<const sync::Pair> pairs) {
  for (const sync::Pair& pair : pairs) {
    const sync::Pair::End &a = pair.at(sync::Side::A), &b = pair.at(sync::Side::B);
    if (a.box.empty() || b.box.empty() || a.base.empty() || b.base.empty()) continue;
    if (!claimed_.try_emplace(b.base, a.base).second) continue;
    if (by_rules(a.base) != b.base) kept_.try_emplace(a.base, b.base);
  }
}

void FolderMap::list(std::span<const sync::Path> server) {
  if (!renames_) return;
  const auto rank = [&](const sync::Path& path) {
    const auto named =
        std::ranges::find_if(rules_, [&](const Rule& rule) { return replaced(path, rule.from, rule.to).has_value(); });
    return named - rules_.begin();
  };
  std::vector<std::pair<std::ptrdiff_t, sync::Path>> ordered;
  for (const sync::Path& path : server) {
    if (why_unwanted(path).empty()) ordered.emplace_back(rank(path), path);
  }
  std::ranges::sort(ordered);
  for (const auto& [_, path] : ordered) claimed_.try_emplace(here(path), path);
}

Mode FolderMap::mode(const sync::Path& server) const {
  for (const FolderRule& rule : account_.folder_rules) {
    if (rule.mode && matches(rule.match, server)) return *rule.mode;
  }
  return account_.mode;
}

std::string FolderMap::why_unwanted(const sync::Path& server) const {
  if (server.empty()) return say("no folder of the server can have this name here");
  if (!wanted(server, account_.include, {})) return say("not in folders.include");
  if (!wanted(server, {}, account_.exclude)) return say("in folders.exclude");
  for (const FolderRule& rule : account_.folder_rules) {
    if (!rule.skip || !matches(rule.match, server)) continue;
    return *rule.skip ? say("by the rule in line {}", rule.line) : std::string();
  }
  return {};
}

std::string FolderMap::why_skipped(const sync::Path& server) const {
  std::string unwanted = why_unwanted(server);
  if (!unwanted.empty() || !renames_) return unwanted;
  const sync::Path name = here(server);
  const sync::Path owner = there(name);
  if (owner == server) return {};
  return say("it would be {} here, which is {} of the server", printable(sync::encode_path(name)),
             printable(sync::encode_path(owner)));
}

bool FolderMap::clashes(const sync::Path& server) const {
  return why_unwanted(server).empty() && !why_skipped(server).empty();
}

bool FolderMap::any(Mode mode) const {
  return account_.mode == mode ||
         std::ranges::any_of(account_.folder_rules, [&](const FolderRule& rule) { return rule.mode == mode; });
}

bool FolderMap::changes_server() const { return any(Mode::TwoWay) || any(Mode::Push); }

bool changes_server(Mode mode) { return mode == Mode::TwoWay || mode == Mode::Push; }

std::string_view mode_name(Mode mode) {
  static constexpr std::array<std::string_view, 4> kNames = {"mirror", "two-way", "push", "archive"};
  return kNames[static_cast<size_t>(mode)];
}

}  // namespace libsync::account

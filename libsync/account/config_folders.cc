// What the configuration says of folders: patterns of those that take part, and rules.
#include <algorithm>
#include <array>

#include "libsync/account/config_reader.h"
#include "libsync/account/folder_map.h"
#include "libsync/sync/path.h"

namespace libsync::account {
namespace {

constexpr size_t kMaxPatterns = 200;  // each is tried on every mailbox

Status read_patterns(const Reader& reader, const TomlEntry& entry, std::vector<std::string>& patterns) {
  if (entry.value.kind != TomlNode::Kind::List) return reader.not_a(TomlNode::Kind::List, entry);
  if (entry.value.items.size() > kMaxPatterns) {
    return reader.complain(entry.value.at, say("{} holds more than {} patterns", entry.key, kMaxPatterns));
  }
  for (const TomlNode& item : entry.value.items) {
    if (item.kind != TomlNode::Kind::Text || item.text.empty() || item.text.size() > kMaxPatternBytes) {
      return reader.complain(item.at, say("{} is a list of texts like \"Archive/**\"", entry.key));
    }
    patterns.push_back(item.text);
  }
  return {};
}

constexpr std::array<Key, 5> kFolderKeys = {{
    {"include", [](const Reader& r, const TomlEntry& e, Account& a) { return read_patterns(r, e, a.include); }},
    {"exclude", [](const Reader& r, const TomlEntry& e, Account& a) { return read_patterns(r, e, a.exclude); }},
    {"all_mail",
     [](const Reader& r, const TomlEntry& e, Account& a) -> Status {
       TB_ASSIGN(a.all_mail, r.boolean(e));
       return {};
     }},
    {"shared",
     [](const Reader& r, const TomlEntry& e, Account& a) -> Status {
       TB_ASSIGN(a.shared, r.boolean(e));
       return {};
     }},
    {"match_roles",
     [](const Reader& r, const TomlEntry& e, Account& a) -> Status {
       TB_ASSIGN(a.match_roles, r.boolean(e));
       return {};
     }},
}};

Result<std::string> read_name(const Reader& reader, const TomlEntry& entry) {
  TB_ASSIGN(std::string text, reader.text(entry));
  if (text.size() <= kMaxPatternBytes) return text;
  return reader.complain(entry.value.at, say("{} is longer than {} bytes", entry.key, kMaxPatternBytes));
}

// They set the last rule of the account.
constexpr std::array<Key, 4> kRuleKeys = {{
    {"match",
     [](const Reader& r, const TomlEntry& e, Account& a) -> Status {
       TB_ASSIGN(a.folder_rules.back().match, read_name(r, e));
       return {};
     }},
    {"mode",
     [](const Reader& r, const TomlEntry& e, Account& a) -> Status {
       TB_ASSIGN(a.folder_rules.back().mode, read_mode(r, e));
       return {};
     }},
    {"rename",
     [](const Reader& r, const TomlEntry& e, Account& a) -> Status {
       TB_ASSIGN(a.folder_rules.back().rename, read_name(r, e));
       return {};
     }},
    {"skip",
     [](const Reader& r, const TomlEntry& e, Account& a) -> Status {
       TB_ASSIGN(a.folder_rules.back().skip, r.boolean(e));
       return {};
     }},
}};

// Both ends must be of a kind, so that each name has one on the other side.
Status check_rename(const Reader& reader, Position at, const FolderRule& rule) {
  const auto from = rename_pattern(rule.match), to = rename_pattern(rule.rename);
  if (!from || !to) {
    return reader.complain(
        at, say("\"{}\" can't be renamed to \"{}\"", printable(rule.match, 60), printable(rule.rename, 60)),
        say("with rename, both are names, or both end in /**: \"INBOX/**\" and \"**\""));
  }
  if (from->below != to->below) {
    return reader.complain(at,
                           say("\"{}\" is one folder and \"{}\" are those below one",
                               printable(from->below ? rule.rename : rule.match, 60),
                               printable(from->below ? rule.match : rule.rename, 60)),
                           say("with rename, both are names, or both end in /**: \"INBOX/**\" and \"**\""));
  }
  if (!from->below && (sync::is_inbox(from->path) || sync::is_inbox(to->path))) {
    return reader.complain(at, say("INBOX is called INBOX on both sides"));
  }
  return {};
}

Status check_rule(const Reader& reader, Position at, const Account& account) {
  const FolderRule& rule = account.folder_rules.back();
  if (rule.match.empty()) {
    return reader.complain(at, say("this rule does not say for which folders it is"),
                           say("add match = \"Archive/**\", or the name of a folder"));
  }
  if (!rule.mode && !rule.skip && rule.rename.empty()) {
    return reader.complain(at, say("this rule says nothing of \"{}\"", printable(rule.match, 60)),
                           say("add mode, rename or skip"));
  }
  if (rule.rename.empty()) return {};
  TB_TRY(check_rename(reader, at, rule));
  const auto from = rename_pattern(rule.match), to = rename_pattern(rule.rename);
  for (const FolderRule& before : account.folder_rules) {
    if (&before == &rule || before.rename.empty()) continue;
    const auto its_from = rename_pattern(before.match), its_to = rename_pattern(before.rename);
    if (from->path == its_from->path && from->below == its_from->below) {
      return reader.complain(at, say("\"{}\" is renamed in line {} already", printable(rule.match, 60), before.line));
    }
    if (to->path == its_to->path && to->below == its_to->below) {
      return reader.complain(at,
                             say("\"{}\" is what \"{}\" is renamed to in line {}", printable(rule.rename, 60),
                                 printable(before.match, 60), before.line),
                             say("two folders can't have one name here"));
    }
  }
  return {};
}

}  // namespace

Status read_folders(const Reader& reader, const TomlEntry& entry, Account& account) {
  if (entry.value.kind == TomlNode::Kind::List) {
    return reader.complain(entry.value.at, say("folders must be a table, not a list"),
                           say("write folders.include = […] or folders.exclude = […]"));
  }
  return read_table(reader, entry, kFolderKeys, account);
}

Status read_folder_rules(const Reader& reader, const TomlEntry& entry, Account& account) {
  if (entry.value.kind != TomlNode::Kind::List) {
    return reader.complain(entry.value.at, say("folder must be a list of tables, not {}", kind_name(entry.value.kind)),
                           say("write [[account.{}.folder]] above each rule", account.name));
  }
  if (entry.value.items.size() > kMaxFolderRules) {
    return reader.complain(entry.at, say("folder holds more than {} rules", kMaxFolderRules));
  }
  for (const TomlNode& item : entry.value.items) {
    account.folder_rules.push_back({.line = item.at.line});
    TB_TRY(read_table(reader, {.key = entry.key, .at = item.at, .value = item}, kRuleKeys, account));
    TB_TRY(check_rule(reader, item.at, account));
  }
  return {};
}

Result<Mode> read_mode(const Reader& reader, const TomlEntry& entry) {
  static constexpr std::array<Mode, 4> kModes = {Mode::Mirror, Mode::TwoWay, Mode::Push, Mode::Archive};
  std::vector<std::string_view> names;
  for (const Mode mode : kModes) names.push_back(mode_name(mode));
  TB_ASSIGN(const std::string value, reader.choice(entry, names));
  return kModes[static_cast<size_t>(std::ranges::find(names, value) - names.begin())];
}

}  // namespace libsync::account

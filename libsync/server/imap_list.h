// What LIST, LSUB, LIST-EXTENDED (RFC 5258) and NOTIFY share. Inside server only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/server/imap_status.h"

namespace libsync::server {

struct ListQuery {
  std::vector<std::string> patterns{};  // with the reference before them
  bool extended = false;                // the syntax of RFC 5258 was used
  // Selection.
  bool subscribed = false, special_use = false, recursive = false;
  // Return.
  bool tell_subscribed = false, tell_children = false;
  StatusItems status{};
};

// "*" matches all, "%" all but the delimiter '/' (RFC 9051, section 6.3.9). INBOX without regard to case.
bool matches_pattern(std::string_view name, std::string_view pattern);

// Every name of the account, with those that only names below them make (they can't be selected).
struct ListedName {
  std::optional<Folder> folder{};
  bool has_children = false;
};
using NameTree = std::map<sync::Path, ListedName>;
Result<NameTree> name_tree(Imap& imap);

// "LIST (\HasNoChildren) "/" Archive"; `attributes` first.
std::string list_line(const Imap& imap, const sync::Path& path, const ListedName& name, const ListQuery& query,
                      std::string attributes = {});

// imap_ext_list_extended.cc: "(" options ")" before the reference, and RETURN "(" … ")" behind the patterns.
bool read_selection(Imap& imap, imap::Parser& in, ListQuery& query);
bool read_return(Imap& imap, imap::Parser& in, ListQuery& query);

inline constexpr size_t kMaxPatternOctets = 4096;  // of one LIST
inline constexpr size_t kMaxWildcards = 20;        // in one pattern

}  // namespace libsync::server

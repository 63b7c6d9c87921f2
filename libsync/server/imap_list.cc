// LIST and LSUB (RFC 9051, section 6.3.9; RFC 3501, section 6.3.9).
#include "libsync/server/imap_list.h"

#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/server/imap_commands.h"
#include "libsync/server/imap_roles.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

bool is_wildcard(char c) { return c == '*' || c == '%'; }

bool below(const sync::Path& path, const sync::Path& above) {
  return path.size() > above.size() && std::equal(above.begin(), above.end(), path.begin());
}

bool read_pattern(imap::Parser& in, std::string& pattern) {
  if (in.peek() == '"' || in.peek() == '{') return in.string(pattern);
  // list-mailbox: an atom that may hold wildcards.
  while (true) {
    const std::string_view text = in.atom();
    pattern += text;
    if (in.ch('*')) {
      pattern += '*';
    } else if (in.ch('%')) {
      pattern += '%';
    } else if (text.empty()) {
      return !pattern.empty();
    }
  }
}

bool read_patterns(imap::Parser& in, ListQuery& query, bool may_be_several) {
  if (may_be_several && in.peek() == '(') {
    query.extended = true;
    return in.expect_list([&] {
      query.patterns.emplace_back();
      return read_pattern(in, query.patterns.back());
    });
  }
  query.patterns.emplace_back();
  return read_pattern(in, query.patterns.back());
}

// Against the form that modified UTF-7 or UTF-8 gives, as the client wrote the pattern.
bool matches_any(const std::string& name, const ListQuery& query) {
  return std::ranges::any_of(query.patterns, [&](const auto& pattern) { return matches_pattern(name, pattern); });
}

bool is_selected(const ListedName& name, const ListQuery& query) {
  if (query.subscribed && !(name.folder && name.folder->subscribed)) return false;
  return !query.special_use || (name.folder && !use_attribute(name.folder->role).empty());
}

class Lister {
 public:
  Lister(Imap& imap, const ListQuery& query, NameTree tree) : imap_(imap), query_(query), tree_(std::move(tree)) {}

  Status run() {
    for (auto each = tree_.begin(); each != tree_.end(); ++each) {
      const auto& [path, name] = *each;
      if (!matches_any(imap_.wire_name(path), query_)) continue;
      const bool selected = is_selected(name, query_);
      const bool below_it = query_.recursive && has_selected_below(each);
      if (!selected && !below_it) continue;
      std::string line = list_line(imap_, path, name, query_);
      if (below_it) line += child_info();
      imap_.untagged(line);
      if (query_.status.empty() || !name.folder) continue;
      TB_ASSIGN(const std::string status, status_text(imap_, *name.folder, query_.status));
      imap_.untagged(status);
    }
    return {};
  }

 private:
  // RFC 5258, section 3.5: which of the criteria it is below that one meets.
  std::string child_info() const {
    std::string criteria = query_.subscribed ? "\"SUBSCRIBED\"" : "";
    if (query_.special_use) criteria.append(criteria.empty() ? "" : " ").append("\"SPECIAL-USE\"");
    return " (\"CHILDINFO\" (" + criteria + "))";
  }

  bool has_selected_below(NameTree::const_iterator above) const {
    for (auto each = std::next(above); each != tree_.end() && below(each->first, above->first); ++each) {
      if (is_selected(each->second, query_)) return true;
    }
    return false;
  }

  Imap& imap_;
  const ListQuery& query_;
  NameTree tree_;
};

bool read_names(Imap& imap, imap::Parser& in, ListQuery& query, bool may_be_several) {
  std::string reference;
  if (!in.space() || !in.astring(reference) || !in.space() || !read_patterns(in, query, may_be_several)) return false;
  size_t octets = 0;
  for (std::string& pattern : query.patterns) {
    pattern.insert(0, reference);
    octets += pattern.size();
    if (static_cast<size_t>(std::ranges::count_if(pattern, is_wildcard)) > kMaxWildcards) return false;
  }
  return octets <= kMaxPatternOctets && query.patterns.size() <= imap.limits().patterns;
}

}  // namespace

bool matches_pattern(std::string_view name, std::string_view pattern) {
  const bool inbox = iequals(name, "INBOX");
  // Which places of the pattern can be reached behind each octet of the name: no worse than both lengths.
  std::vector<bool> at(pattern.size() + 1), next(pattern.size() + 1);
  const auto spread = [&](std::vector<bool>& places) {
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (places[i] && is_wildcard(pattern[i])) places[i + 1] = true;
    }
  };
  at[0] = true;
  spread(at);
  for (const char c : name) {
    std::fill(next.begin(), next.end(), false);
    bool any = false;
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (!at[i]) continue;
      const bool stays = pattern[i] == '*' || (pattern[i] == '%' && c != '/');
      if (stays) next[i] = any = true;
      if (!is_wildcard(pattern[i]) && (inbox ? ascii_lower(pattern[i]) == ascii_lower(c) : pattern[i] == c)) {
        next[i + 1] = any = true;
      }
    }
    if (!any) return false;
    spread(next);
    at.swap(next);
  }
  return at[pattern.size()];
}

Result<NameTree> name_tree(Imap& imap) {
  TB_ASSIGN(auto folders, imap.mail().folders());
  NameTree tree;
  for (Folder& folder : folders) {
    sync::Path above = folder.path;
    tree[folder.path].folder = std::move(folder);
    while (above.size() > 1) {
      above.pop_back();
      tree[above].has_children = true;
    }
  }
  return tree;
}

std::string list_line(const Imap& imap, const sync::Path& path, const ListedName& name, const ListQuery& query,
                      std::string attributes) {
  const auto add = [&](std::string_view attribute) {
    attributes.append(attributes.empty() ? "" : " ").append(attribute);
  };
  if (!name.folder) {
    if (imap.has(Ext::ListExtended) && (query.extended || imap.rev2())) add("\\NonExistent");
    add("\\Noselect");
  }
  const bool children = imap.has(Ext::Children) || query.tell_children;
  if (children) add(name.has_children ? "\\HasChildren" : "\\HasNoChildren");
  if ((query.tell_subscribed || query.subscribed) && name.folder && name.folder->subscribed) add("\\Subscribed");
  if (imap.has(Ext::SpecialUse) && name.folder && !use_attribute(name.folder->role).empty()) {
    add(use_attribute(name.folder->role));
  }
  return "LIST (" + attributes + ") \"/\" " + mailbox_string(imap, path);
}

void run_list(Imap& imap, imap::Parser& in, bool) {
  ListQuery query;
  const bool extended = imap.has(Ext::ListExtended);
  imap::Parser ahead = in;
  if (extended && ahead.space() && ahead.peek() == '(') {
    in.space();
    if (!read_selection(imap, in, query)) return imap.bad(in.why());
  }
  if (!read_names(imap, in, query, extended)) return imap.bad("LIST reference pattern");
  if (extended && in.space() && !read_return(imap, in, query)) return imap.bad(in.why());
  if (!expect_end(imap, in)) return;
  // RFC 9051, section 6.3.9: asks for the delimiter.
  if (!query.extended && query.patterns.front().empty()) {
    imap.untagged("LIST (\\Noselect) \"/\" \"\"");
    return imap.ok("done");
  }
  auto tree = name_tree(imap);
  if (!tree) return imap.refuse(tree.error());
  const Status done = Lister(imap, query, std::move(*tree)).run();
  done ? imap.ok("done") : imap.refuse(done.error());
}

void run_lsub(Imap& imap, imap::Parser& in, bool) {
  ListQuery query;
  if (!read_names(imap, in, query, false)) return imap.bad("LSUB reference pattern");
  if (!expect_end(imap, in)) return;
  auto tree = name_tree(imap);
  if (!tree) return imap.refuse(tree.error());
  const auto subscribed = [](const ListedName& name) { return name.folder && name.folder->subscribed; };
  for (auto each = tree->begin(); each != tree->end(); ++each) {
    if (!matches_any(imap.wire_name(each->first), query)) continue;
    bool under = false;
    for (auto child = std::next(each); child != tree->end() && below(child->first, each->first); ++child) {
      under = under || (subscribed(child->second) && !matches_any(imap.wire_name(child->first), query));
    }
    // A name that only leads to a subscribed one is told where "%" hides that one (RFC 3501, section 6.3.9).
    if (!subscribed(each->second) && !under) continue;
    imap.untagged(std::string("LSUB (") + (subscribed(each->second) ? "" : "\\Noselect") + ") \"/\" " +
                  mailbox_string(imap, each->first));
  }
  imap.ok("done");
}

}  // namespace libsync::server

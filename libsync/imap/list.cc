#include "libsync/imap/list.h"

#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/imap/limits.h"

namespace libsync::imap {
namespace {

bool parse_attributes(Parser& in, ListData& out) {
  return in.expect_list([&] {
    const std::string_view flag = in.flag();
    if (flag.empty()) return in.malformed("not an attribute");
    if (out.attributes.size() < kMaxAttributes) out.attributes.emplace_back(flag);
    return true;
  });
}

// ("TAG" value "TAG" value …): mbox-list-extended.
bool parse_extended(Parser& in, ListData& out) {
  return in.expect_list([&] {
    std::string tag;
    if (!in.expect_astring(tag) || !in.expect_space()) return false;
    if (iequals(tag, "OLDNAME") && in.peek() == '(') {
      return in.expect_list([&] {
        std::string name;
        if (!in.expect_astring(name)) return false;
        out.old_name = std::move(name);
        return true;
      });
    }
    if (iequals(tag, "CHILDINFO") && in.peek() == '(') {
      return in.expect_list([&] {
        std::string name;
        if (!in.expect_astring(name)) return false;
        if (out.child_info.size() < kMaxAttributes) out.child_info.push_back(std::move(name));
        return true;
      });
    }
    return in.skip_value();
  });
}

// A mailbox name as it stands on the wire. Servers put octets into atoms that do not belong there.
bool parse_name(Parser& in, std::string& out) {
  if (in.peek() == '"' || in.peek() == '{') {
    if (!in.string(out)) return in.malformed("a folder's name is missing");
  } else {
    const size_t start = in.offset();
    const std::string_view rest = in.rest();
    const size_t end = rest.find(" (");
    out = std::string(rest.substr(0, end));
    if (out.find(' ') != std::string::npos) out.resize(out.find(' '));
    in.seek(start + out.size());
  }
  if (out.empty() || out.size() > kMaxMailboxName) return in.malformed("a folder's name is empty or too long");
  if (out.find_first_of(std::string_view("\0\r\n", 3)) != std::string::npos) {
    return in.malformed("a folder's name with NUL or a line end in it");
  }
  in.note_raw_bytes(out);
  return true;
}

}  // namespace

bool ListData::has(std::string_view attribute) const {
  return std::ranges::any_of(attributes, [&](const std::string& each) { return iequals(each, attribute); });
}

Command list(std::string_view pattern, const ListOptions& options) {
  std::string text = "LIST \"\" " + quoted(pattern);
  std::string items;
  const auto add = [&](std::string_view item) { items.append(items.empty() ? "" : " ").append(item); };
  if (options.subscribed) add("SUBSCRIBED");
  if (options.special_use) add("SPECIAL-USE");
  if (!options.status_items.empty()) add("STATUS (" + options.status_items + ")");
  if (!items.empty()) text += " RETURN (" + items + ")";
  return simple_command(CommandKind::List, text);
}

Result<Command> list_name(std::string_view wire_name) {
  return CommandBuilder(CommandKind::List, "LIST \"\"").string(wire_name).build();
}

Command lsub(std::string_view pattern) { return simple_command(CommandKind::Lsub, "LSUB \"\" " + quoted(pattern)); }

bool parse_list(Parser& in, ListData& out) {
  std::optional<std::string> delimiter;
  if (!in.expect_space() || !parse_attributes(in, out) || !in.expect_space()) return false;
  if (!in.expect_nstring(delimiter) || !in.expect_space()) return false;
  if (delimiter && delimiter->size() == 1) out.delimiter = delimiter->front();
  if (!parse_name(in, out.name)) return false;
  if (in.space() && in.peek() == '(' && !parse_extended(in, out)) return false;
  in.stray_space();
  return in.at_end() || in.malformed("more behind a folder's name");
}

}  // namespace libsync::imap

#include "libsync/imap/status.h"

#include "libsync/base/text.h"
#include "libsync/imap/limits.h"

namespace libsync::imap {
namespace {

struct Row {
  std::string_view name;
  std::optional<uint64_t> StatusData::* member;
};
constexpr Row kItems[] = {
    {"MESSAGES", &StatusData::messages},
    {"UIDNEXT", &StatusData::uid_next},
    {"UIDVALIDITY", &StatusData::uid_validity},
    {"UNSEEN", &StatusData::unseen},
    {"RECENT", &StatusData::recent},
    {"DELETED", &StatusData::deleted},
    {"SIZE", &StatusData::size},
    {"HIGHESTMODSEQ", &StatusData::highest_modseq},
    {"APPENDLIMIT", &StatusData::append_limit},
};

bool parse_item(Parser& in, StatusData& out) {
  const std::string_view name = in.atom();
  if (name.empty() || !in.expect_space()) return in.malformed("not a STATUS item");
  if (iequals(name, "MAILBOXID")) {
    std::string id;
    if (!in.expect_ch('(') || !in.expect_astring(id) || !in.expect_ch(')')) return false;
    in.note_raw_bytes(id);
    out.mailbox_id = std::move(id);
    return true;
  }
  for (const Row& row : kItems) {
    if (!iequals(row.name, name)) continue;
    if (in.nil()) return true;  // APPENDLIMIT NIL
    const auto value = in.expect_number();
    out.*row.member = value;
    return value.has_value();
  }
  return in.skip_value();
}

}  // namespace

Result<Command> status(std::string_view wire_name, std::string_view items) {
  CommandBuilder builder(CommandKind::Status, "STATUS");
  builder.astring(wire_name).raw(" (").raw(items).raw(")");
  return builder.build();
}

bool parse_status(Parser& in, StatusData& out) {
  if (!in.expect_space()) return false;
  if (in.peek() == '"' || in.peek() == '{') {
    if (!in.string(out.name)) return in.malformed("a folder's name is missing");
  } else {
    // Octets that no atom may hold occur in names: up to the list all is name.
    const std::string_view rest = in.rest();
    const size_t end = rest.find(" (");
    if (end == std::string_view::npos) return in.malformed("STATUS without its list");
    out.name = std::string(rest.substr(0, end));
    in.seek(in.offset() + end);
  }
  if (out.name.size() > kMaxMailboxName) return in.malformed("a folder's name is too long");
  if (!in.expect_space()) return false;
  if (!in.expect_list([&] { return parse_item(in, out); })) return false;
  in.stray_space();
  return in.at_end() || in.malformed("more behind STATUS");
}

}  // namespace libsync::imap

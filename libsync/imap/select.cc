#include "libsync/imap/select.h"

#include <algorithm>

#include <fmt/format.h>

#include "libsync/imap/limits.h"

namespace libsync::imap {
namespace {
std::vector<std::string> copy(const std::vector<std::string_view>& words) {
  return {words.begin(), words.begin() + static_cast<ptrdiff_t>(std::min(words.size(), kMaxKeywords))};
}
}  // namespace

Result<Command> select(std::string_view wire_name, const SelectOptions& options) {
  CommandBuilder builder(options.read_only ? CommandKind::Examine : CommandKind::Select,
                         options.read_only ? "EXAMINE" : "SELECT");
  builder.astring(wire_name);
  if (options.uid_validity != 0 && options.modseq != 0) {
    builder.raw(fmt::format(" (QRESYNC ({} {}))", options.uid_validity, options.modseq));
  } else if (options.condstore) {
    builder.raw(" (CONDSTORE)");
  }
  return builder.build();
}

void SelectData::take(const StatusLine& line) {
  switch (line.code) {
    case Code::UidValidity:
      if (line.number <= UINT32_MAX) uid_validity = static_cast<uint32_t>(line.number);
      break;
    case Code::UidNext:
      if (line.number <= UINT32_MAX && line.number > 0) uid_next = static_cast<uint32_t>(line.number);
      break;
    case Code::HighestModSeq:
      highest_modseq = line.number;
      break;
    case Code::NoModSeq:
      no_modseq = true;
      break;
    case Code::ReadOnly:
      read_only = true;
      break;
    case Code::UidNotSticky:
      uid_not_sticky = true;
      break;
    case Code::MailboxId:
      if (!line.words.empty()) mailbox_id = line.words.front();
      break;
    case Code::PermanentFlags: {
      FlagList list;
      for (const std::string_view flag : line.words) list.add(flag);
      told_permanent = true;
      permanent = list.system;
      permanent_keywords = copy(list.keywords);
      break;
    }
    default:
      break;
  }
}

void SelectData::take(const FlagList& list) {
  flags = list.system;
  keywords = copy(list.keywords);
}

}  // namespace libsync::imap

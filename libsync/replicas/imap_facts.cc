#include "libsync/replicas/imap_facts.h"

#include <fmt/format.h>

namespace libsync::replicas {

static_assert(static_cast<uint32_t>(imap::kSeen) == sync::kSeen &&
              static_cast<uint32_t>(imap::kAnswered) == sync::kAnswered &&
              static_cast<uint32_t>(imap::kFlagged) == sync::kFlagged &&
              static_cast<uint32_t>(imap::kDeleted) == sync::kDeleted &&
              static_cast<uint32_t>(imap::kDraft) == sync::kDraft);

sync::Flags to_flags(const imap::FlagList& list) {
  sync::Flags flags{.system = list.system & sync::kAllSystemFlags};
  for (const std::string_view keyword : list.keywords) {
    // Flags with a backslash that we do not know are the server's own.
    if (!keyword.starts_with('\\')) flags.add_keyword(keyword);
  }
  return flags;
}

sync::Facts to_facts(const imap::FetchData& data) {
  sync::Facts facts{
      .flags = to_flags(data.flags), .knows_flags = data.has_flags, .size = data.size.value_or(0), .date = data.date};
  if (!data.email_id.empty()) {
    facts.object = fmt::format("emailid:{}", data.email_id);
  } else if (data.gm_msgid != 0) {
    facts.object = fmt::format("gmail:{}", data.gm_msgid);
  }
  return facts;
}

}  // namespace libsync::replicas

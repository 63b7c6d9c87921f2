#include "libsync/replicas/imap_facts.h"

#include <algorithm>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/imap/command.h"

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

sync::FlagMask to_mask(const imap::SelectData& state) {
  if (!state.told_permanent) {
    const uint32_t system = state.flags & sync::kAllSystemFlags;
    return {.system = system == 0 ? uint32_t{sync::kAllSystemFlags} : system, .any_keyword = true};
  }
  sync::FlagMask mask{.system = state.permanent & sync::kAllSystemFlags,
                      .any_keyword = (state.permanent & imap::kAnyKeyword) != 0};
  if (mask.any_keyword) return mask;
  sync::Flags keywords;
  for (const std::string& keyword : state.permanent_keywords) {
    if (!keyword.starts_with('\\')) keywords.add_keyword(keyword);
  }
  mask.keywords = std::move(keywords.keywords);
  return mask;
}

std::string flag_list(const sync::Flags& flags) {
  static constexpr std::pair<uint32_t, std::string_view> kNames[] = {{sync::kSeen, "\\Seen"},
                                                                     {sync::kAnswered, "\\Answered"},
                                                                     {sync::kFlagged, "\\Flagged"},
                                                                     {sync::kDeleted, "\\Deleted"},
                                                                     {sync::kDraft, "\\Draft"}};
  std::string list;
  const auto add = [&](std::string_view flag) { list.append(list.empty() ? "" : " ").append(flag); };
  for (const auto& [bit, name] : kNames) {
    if ((flags.system & bit) != 0) add(name);
  }
  for (const std::string& keyword : flags.keywords) {
    if (imap::is_atom(keyword)) add(keyword);
  }
  return "(" + list + ")";
}

bool all_atoms(const sync::Flags& flags) { return std::ranges::all_of(flags.keywords, imap::is_atom); }

sync::Flags masked(const sync::Flags& flags, const sync::FlagMask& mask) {
  sync::Flags kept{.system = flags.system & mask.system};
  for (const std::string& keyword : flags.keywords) {
    const auto same = [&](const std::string& each) { return iequals(each, keyword); };
    if (mask.any_keyword || std::ranges::any_of(mask.keywords, same)) kept.add_keyword(keyword);
  }
  return kept;
}

}  // namespace libsync::replicas

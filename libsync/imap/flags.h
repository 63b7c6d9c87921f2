// Flags of messages (RFC 9051, section 2.3.2).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "libsync/imap/parser.h"

namespace libsync::imap {

enum SystemFlag : uint32_t {
  kSeen = 1,
  kAnswered = 2,
  kFlagged = 4,
  kDeleted = 8,
  kDraft = 16,
  kRecent = 32,
  kAnyKeyword = 64,  // "\*" of PERMANENTFLAGS
};

// Keywords are views into the frame, in the server's order; unknown flags with a backslash are among
// them, with it.
struct FlagList {
  uint32_t system = 0;
  std::vector<std::string_view> keywords{};
  void clear() { system = 0, keywords.clear(); }
  void add(std::string_view flag);
};

// "(" flags ")"; what is no flag among them is passed over (Quirk::OddFlag).
bool parse_flag_list(Parser& in, FlagList& out);

}  // namespace libsync::imap

// SEARCH and ESEARCH (RFC 9051, sections 6.4.4, 7.3.4; RFC 4731; MODSEQ: RFC 7162, section 3.1.5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libsync/imap/command.h"
#include "libsync/imap/parser.h"
#include "libsync/imap/sequence_set.h"

namespace libsync::imap {

struct SearchData {
  bool extended = false;  // ESEARCH
  std::string tag{};
  bool uid = false;
  std::optional<uint32_t> min, max;
  std::optional<uint64_t> count, modseq;
  SequenceSet all{};
};

// UID SEARCH [RETURN (ALL)] criteria; criteria are our own words.
Command uid_search(std::string_view criteria, bool extended);
bool parse_search(Parser& in, SearchData& out);
bool parse_esearch(Parser& in, SearchData& out);

}  // namespace libsync::imap

// SEARCH and ESEARCH (RFC 9051, sections 6.4.4, 7.3.4; RFC 4731; MODSEQ: RFC 7162, section 3.1.5).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
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

  // Whether it may answer this command: an ESEARCH names the tag of its own, a SEARCH none.
  bool answers(CommandId id) const { return tag.empty() || id_of(tag) == id; }
};

// UID SEARCH [RETURN (ALL)] criteria; criteria are our own words.
Command uid_search(std::string_view criteria, bool extended);

// One search key, and the string behind it where it takes one: {"SUBJECT", "报表"}, {"UNSEEN"}, {"OR"}. Keys are our
// own words, strings anybody's.
struct SearchTerm {
  std::string_view key;
  std::optional<std::string_view> text{};
};
struct SearchOptions {
  bool uid = true;
  std::string_view results{};  // "ALL", "MIN MAX COUNT": asks for ESEARCH by RETURN
  // The server takes strings for UTF-8 anyway, and refuses CHARSET (Session::utf8_names(); RFC 6855, section 3).
  bool utf8 = false;
};
// SEARCH with strings: CHARSET UTF-8 where one is outside ASCII, which goes as a literal. Errc::Usage for a string
// that is not UTF-8, or has NUL in it.
Result<Command> search(std::span<const SearchTerm> terms, const SearchOptions& options);

bool parse_search(Parser& in, SearchData& out);
bool parse_esearch(Parser& in, SearchData& out);

}  // namespace libsync::imap

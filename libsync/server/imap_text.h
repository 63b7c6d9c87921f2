// Small writers and readers of the IMAP grammar that several commands share. Inside server only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/imap/parser.h"
#include "libsync/imap/sequence_set.h"
#include "libsync/sync/replica.h"

namespace libsync::server {

class Imap;

inline constexpr size_t kMaxToldKeywords = 500;  // in FLAGS; more are kept, and not listed
inline constexpr size_t kMaxKeywordLength = 255;
inline constexpr size_t kMaxKeywords = 100;  // in one command

// "(\Seen $Label)"
std::string flag_list(const sync::Flags& flags);
std::string flag_list(std::span<const std::string> keywords);  // all system flags, and these
// "(" flags ")", or flags without parentheses where `bare` (STORE); \Recent is passed over. False: BAD, in.why().
bool read_flags(imap::Parser& in, sync::Flags& flags, bool bare = false);
bool is_keyword(std::string_view text);

// A set with "*", which is `last`, and "$", which is `saved` (null: not allowed). Strict: no zero, no empty member.
struct SetContext {
  uint32_t last = 0;
  const imap::SequenceSet* saved = nullptr;
};
std::optional<imap::SequenceSet> read_set(imap::Parser& in, const SetContext& context);
// The UIDs, of those that the mailbox has, that a command names by numbers or by UIDs; all that it names in `named`.
// Nothing: BAD was answered.
std::optional<imap::SequenceSet> read_messages(Imap& imap, imap::Parser& in, bool uid,
                                               imap::SequenceSet* named = nullptr);

imap::SequenceSet minus(const imap::SequenceSet& from, const imap::SequenceSet& these);
imap::SequenceSet both(const imap::SequenceSet& a, const imap::SequenceSet& b);

// A mailbox name as the session's client reads it.
std::string mailbox_string(const Imap& imap, const sync::Path& path);
// "1-Feb-2026", " 1-Feb-2026 03:04:05 +0000" in quotes.
std::string internal_date(int64_t unix_seconds);
// "1-Feb-2026", quoted or not: the day's beginning in UTC.
std::optional<int64_t> read_date(imap::Parser& in);

// Nothing else may stand there; else BAD is answered.
bool expect_end(Imap& imap, imap::Parser& in);
// A space and a mailbox name. Nothing: BAD or NO was answered.
std::optional<sync::Path> read_mailbox(Imap& imap, imap::Parser& in);

}  // namespace libsync::server

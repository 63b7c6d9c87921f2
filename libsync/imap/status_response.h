// OK, NO, BAD, BYE and PREAUTH with their response codes (RFC 9051, section 7.1; RFC 3501, 4315, 4469,
// 4978, 5182, 5255, 5464, 5465, 5466, 5530, 6154, 7162, 7889, 8438, 8474).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsync/imap/parser.h"
#include "libsync/imap/sequence_set.h"

namespace libsync::imap {

enum class Condition : uint8_t { Ok, No, Bad, Bye, Preauth };

enum class Code : uint8_t {
  None,
  Unknown,
  Alert,
  AlreadyExists,
  AppendUid,
  AuthenticationFailed,
  AuthorizationFailed,
  BadCharset,
  BadComparator,
  BadEvent,
  BadUrl,
  Cannot,
  Capability,
  ClientBug,
  Closed,
  CompressionActive,
  ContactAdmin,
  CopyUid,
  Corruption,
  Expired,
  ExpungeIssued,
  HasChildren,
  HighestModSeq,
  InUse,
  Limit,
  MailboxId,
  MaxConvertMessages,
  Metadata,
  Modified,
  NoModSeq,
  NonExistent,
  NoPerm,
  NotificationOverflow,
  NotSaved,
  NoUpdate,
  OverQuota,
  Parse,
  PermanentFlags,
  PrivacyRequired,
  ReadOnly,
  ReadWrite,
  Referral,
  ServerBug,
  TempFail,
  Throttled,
  TooBig,
  TryCreate,
  UidNext,
  UidNotSticky,
  UidValidity,
  Unavailable,
  UndefinedFilter,
  UnknownCte,
  Unseen,
  UrlMech,
  UseAttr,
};

// Views into the frame.
struct StatusLine {
  Condition condition = Condition::Ok;
  Code code = Code::None;
  std::string_view code_name{};  // as the server wrote it
  std::string_view arguments{};  // what stands behind the name, unparsed
  uint64_t number = 0;           // UIDNEXT, UIDVALIDITY, UNSEEN, HIGHESTMODSEQ; APPENDUID's and COPYUID's UIDVALIDITY
  SequenceSet from{}, to{};      // COPYUID; APPENDUID in `to`; MODIFIED in `from`
  std::vector<std::string_view> words{};  // CAPABILITY, PERMANENTFLAGS, BADCHARSET, MAILBOXID
  std::string_view text{};                // for people: printable() before it is shown
};

// From the condition's name on. Never fails once the condition is known: a code that can't be read is
// Code::Unknown.
bool parse_status_line(Parser& in, StatusLine& out);

// APPENDUID's and COPYUID's numbers, one by one (RFC 4315, section 3).
struct AppendedUids {
  uint32_t uid_validity = 0;
  std::vector<uint32_t> uids{};  // in the order of the messages
};
struct CopiedUids {
  uint32_t uid_validity = 0;
  std::vector<std::pair<uint32_t, uint32_t>> uids{};  // from, to
};
// Nothing unless the code is there, names at most so many messages, as many new ones as old, none of them twice, and
// a UIDVALIDITY.
std::optional<AppendedUids> appended_uids(const StatusLine& line, size_t most);
std::optional<CopiedUids> copied_uids(const StatusLine& line, size_t most);

}  // namespace libsync::imap

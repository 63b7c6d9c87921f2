// What POP3 servers do against the grammar, or against what one would expect, and what is done about it
// by name. tests/unit/replicas/pop3_quirks_test.cc has a test for each row.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "libsync/base/counts.h"

namespace libsync::pop3 {

enum class Quirk : uint8_t {
  LfOnly,
  MissingText,
  ExpireNever,
  RepeatedMechanism,
  WrongSize,
  UnstuffedDot,
  RepeatedUidl,
  NumberForUidl,
  LongUidl,
  PartialMaildrop,
  WaitInWords,
  kCount,
};

using QuirkInfo = QuirkRow<Quirk>;

inline constexpr std::array<QuirkInfo, static_cast<size_t>(Quirk::kCount)> kQuirks{{
    {Quirk::LfOnly, "lf-only", "home-made servers: a line ended by LF alone is a line"},
    {Quirk::MissingText, "missing-text",
     "a bare +OK or -ERR, which RFC 1939 does not forbid: the status is all that counts", false},
    {Quirk::ExpireNever, "expire-never", "mailutils: EXPIRENEVER in CAPA is EXPIRE NEVER"},
    {Quirk::RepeatedMechanism, "repeated-mechanism",
     "SASL names a mechanism twice, or has two lines: each counts once"},
    {Quirk::WrongSize, "wrong-size",
     "LIST counts LF for CRLF, the stored form, or something else: every octet up to the dot is kept; a message that "
     "came shorter than listed is never removed on the server"},
    {Quirk::UnstuffedDot, "unstuffed-dot",
     "servers that send a line with a lone dot as it is: with a size by LIST the message is put together, without one "
     "it is not taken for whole"},
    {Quirk::RepeatedUidl, "repeated-uidl", "one UIDL for several messages: a digest of the header tells them apart"},
    {Quirk::NumberForUidl, "number-for-uidl",
     "home-made servers: each UIDL is the message's number of today: digests of the headers stand in"},
    {Quirk::LongUidl, "long-uidl", "UIDLs over 70 characters or with odd ones in them: taken as they are"},
    {Quirk::PartialMaildrop, "partial-maildrop",
     "Gmail shows some hundred messages at a time, others only the last 30 days: what is not listed is not gone"},
    {Quirk::WaitInWords, "wait-in-words",
     "Yahoo, iCloud, QQ, Gmail: limits of logins and bandwidth told in words alone: no wrong password, but a pause"},
}};

// Which were met on a connection.
using Quirks = Counts<Quirk>;

}  // namespace libsync::pop3

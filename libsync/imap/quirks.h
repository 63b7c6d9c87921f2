// What servers do against the grammar and what we pass over by name (each names its server). A test for each row
// is in tests/unit/replicas/imap_quirks_test.cc; the first of each on a connection is a line in its trace.
//
// What needs no row, since it is not met but kept from happening or is a matter of the replica, each with a test:
//   CHANGEDSINCE 0 refused                    never sent: uid_fetch(), fetch.h
//   ID refused as () or NIL (GMX, Exchange)   never sent empty: id(), id.h
//   SELECT refused before ID (NetEase)        ID is sent with the first flight: replicas/imap_login.cc
//   1:* refused in an empty mailbox           not asked for, or its NO passed over: replicas/imap_changes.cc
//   UIDs, HIGHESTMODSEQ going backwards       a full look: replicas/imap_changes.cc
//   BODY[] "" for a message that has text     a refusal: replicas/imap_fetch.cc
//   Gmail's All Mail, its own flags           left out: replicas/imap_mailboxes.cc, replicas/imap_facts.cc
//   MAILBOXID garbled beside other items (Cyrus)  asked for by itself: replicas/imap_mailboxes.cc
//   a parent listed with its delimiter        taken off: split_name(), names.h
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "libsync/base/counts.h"

namespace libsync::imap {

enum class Quirk : uint8_t {
  LfOnly,
  ExtraSpace,
  MissingText,
  NegativeNumber,
  BodyStructureDamage,
  RawBytesInName,
  NameNotCanonical,
  OddSet,
  OddId,
  RepeatedCapability,
  LongList,
  EnvelopeDamage,
  OddItem,
  OddFlag,
  NoUidNext,
  WrongSize,
  UnsavedUids,
  kCount,
};

using QuirkInfo = QuirkRow<Quirk>;

inline constexpr std::array<QuirkInfo, static_cast<size_t>(Quirk::kCount)> kQuirks{{
    {Quirk::LfOnly, "lf-only", "home-made servers: a line ended by LF alone is a line"},
    {Quirk::ExtraSpace, "extra-space",
     "Exchange: a space before ')' in STATUS, two between items, one at the line's end"},
    {Quirk::MissingText, "missing-text", "Gmail: nothing behind a response code"},
    {Quirk::NegativeNumber, "negative-number", "Exchange, old Dovecot: line counts of -1 count as 0"},
    {Quirk::BodyStructureDamage, "bodystructure-damage",
     "Exchange, Domino: fields missing, strings where lists belong: what can be read is kept"},
    {Quirk::RawBytesInName, "raw-bytes-in-name",
     "8-bit octets in names and ids outside UTF8=ACCEPT: taken as they are"},
    {Quirk::NameNotCanonical, "name-not-canonical", "names that are not modified UTF-7: shown as they came"},
    {Quirk::OddSet, "odd-set", "sets with a trailing comma, zero or nothing between commas: the rest counts"},
    {Quirk::OddId, "odd-id", "ID answered with () or an odd number of strings"},
    {Quirk::RepeatedCapability, "repeated-capability", "AUTH= listed twice"},
    {Quirk::LongList, "long-list", "more parts or addresses than we keep: the rest is passed over"},
    {Quirk::EnvelopeDamage, "envelope-damage",
     "Domino, gateways: fields of an ENVELOPE missing or of the wrong kind: those that can be read are kept"},
    {Quirk::OddItem, "odd-item",
     "gateways, damaged indexes: a FETCH item whose value is no value (INTERNALDATE NIL, 00-Jan-0000): the item is "
     "absent, the message is not"},
    {Quirk::OddFlag, "odd-flag", "flags that are no atoms (a%b, \"a b\"): the other flags of the message count"},
    {Quirk::NoUidNext, "no-uidnext", "Courier: an opened mailbox does not tell UIDNEXT: the last UID that came does"},
    {Quirk::WrongSize, "wrong-size",
     "Exchange: RFC822.SIZE is not the size of what comes: every octet is kept, and its own count with it"},
    {Quirk::UnsavedUids, "unsaved-uids",
     "Courier, mailutils: UIDs and UIDVALIDITY that EXAMINE tells are forgotten, and given anew, until somebody "
     "SELECTs: mailboxes are opened by SELECT"},
}};

// Which were met on a connection.
using Quirks = Counts<Quirk>;

}  // namespace libsync::imap

// What CONDSTORE and QRESYNC (RFC 7162) add to other commands. Inside server only.
#pragma once

#include <cstdint>
#include <optional>

#include "libsync/server/imap_core.h"

namespace libsync::server {

// What a client says that it knows of a mailbox: SELECT (QRESYNC (…)).
struct QresyncKnown {
  uint32_t uidvalidity = 0;
  uint64_t modseq = 0;
  std::optional<imap::SequenceSet> uids{};
  // Message numbers and their UIDs, of the client's last view (section 3.2.5.2).
  std::optional<std::pair<imap::SequenceSet, imap::SequenceSet>> matches{};
};
bool read_qresync(imap::Parser& in, QresyncKnown& known);  // behind "QRESYNC"
// What went and what changed since, behind SELECT's own answers.
void tell_since(Imap& imap, const QresyncKnown& known);

// " (" CHANGEDSINCE modseq [VANISHED] ")" of FETCH; " (" UNCHANGEDSINCE modseq ")" of STORE.
struct ChangedSince {
  uint64_t modseq = 0;
  bool vanished = false;
};
bool read_changed_since(Imap& imap, imap::Parser& in, bool uid, std::optional<ChangedSince>& since);
bool read_unchanged_since(Imap& imap, imap::Parser& in, std::optional<uint64_t>& since);
// VANISHED (EARLIER) of those among `uids` that went since.
void tell_vanished_since(Imap& imap, const imap::SequenceSet& uids, uint64_t modseq);

std::optional<uint64_t> read_modseq(imap::Parser& in);  // 63 bits

}  // namespace libsync::server

// Reading messages' rows by UID. Inside StoreMail only.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "libsync/imap/sequence_set.h"
#include "libsync/server/mail.h"
#include "libsync/store/db.h"
#include "libsync/store/types.h"

namespace libsync::server {

// Called with each row whose UID is in the set; false ends it.
using RowVisit = std::function<bool(const store::Statement&)>;

// `sql` selects by ?1 the mailbox, ?2 and ?3 the first and last UID, by UID, which is its first column. Ranges that are
// close to each other are read as one.
Status select_in(store::Db& db, std::string_view sql, FolderId folder, const imap::SequenceSet& uids,
                 const RowVisit& visit);

// What changes and removals need of a message.
struct Found {
  store::MessageId id = 0;
  uint32_t uid = 0;
  uint64_t modseq = 0;
  sync::Flags flags{};
};
Result<std::vector<Found>> find_in(store::Db& db, FolderId folder, const imap::SequenceSet& uids);

}  // namespace libsync::server

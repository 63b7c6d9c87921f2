// The link (libsync/sync/link.h) in SQLite: tables link_* beside the store's own, on the same
// connection, so that link rows commit with the messages they speak of.
#pragma once

#include <map>
#include <memory>

#include "libsync/store/db.h"
#include "libsync/sync/link.h"

namespace libsync::store {

// Makes the tables of the link.
Status create_link_tables(Db& db);
// The same in the steps of the schema's versions.
Status create_link_tables_1(Db& db);
Status upgrade_link_tables_2(Db& db);
Status upgrade_link_tables_3(Db& db);
Status upgrade_link_tables_4(Db& db);
Status upgrade_link_tables_5(Db& db);

// Makes Link::same_octets() quick for the store's side; costs every new message a page from then on.
Status index_link_contents(Db& db);

// Messages of which a side refused a change, until they change again.
Result<uint64_t> count_refused(Db& db);

// Messages in which the two sides differ and that no sync will make alike, as the mode of their mailbox forbids it.
struct Kept {
  uint64_t here = 0, there = 0;  // are in it on that side, and not on the other
  uint64_t flags = 0;            // are on both, with other flags
};
// By mailbox, those that have any; goes through all messages.
Result<std::map<sync::PairId, Kept>> count_kept(Db& db);

// A link over `db`, which must outlive it. The tables must be there.
std::unique_ptr<sync::Link> open_link(Db& db);

}  // namespace libsync::store

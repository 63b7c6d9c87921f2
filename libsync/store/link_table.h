// The link (libsync/sync/link.h) in SQLite: tables link_* beside the store's own, on the same
// connection, so that link rows commit with the messages they speak of.
#pragma once

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

// A link over `db`, which must outlive it. The tables must be there.
std::unique_ptr<sync::Link> open_link(Db& db);

}  // namespace libsync::store

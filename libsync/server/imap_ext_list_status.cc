// LIST-STATUS (RFC 5819): STATUS for each mailbox that LIST tells, in one round trip; read_return() takes it.
#include "libsync/server/imap_extension.h"

namespace libsync::server {

const Extension kListStatus = {.id = Ext::ListStatus, .name = "LIST-STATUS"};

}  // namespace libsync::server

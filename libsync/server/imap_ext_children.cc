// CHILDREN (RFC 3348): \HasChildren and \HasNoChildren in every LIST; list_line() tells them.
#include "libsync/server/imap_extension.h"

namespace libsync::server {

const Extension kChildren = {.id = Ext::Children, .name = "CHILDREN"};

}  // namespace libsync::server

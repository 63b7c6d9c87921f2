// MULTIAPPEND (RFC 3502): several messages in one APPEND, all or none; Appending takes them.
#include "libsync/server/imap_extension.h"

namespace libsync::server {

const Extension kMultiAppend = {.id = Ext::MultiAppend, .name = "MULTIAPPEND"};

}  // namespace libsync::server

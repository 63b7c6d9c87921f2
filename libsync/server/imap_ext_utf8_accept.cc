// UTF8=ACCEPT (RFC 6855): names and strings in UTF-8 once it is enabled (Imap::utf8()), APPEND with UTF8 (~{n}.
#include "libsync/server/imap_extension.h"

namespace libsync::server {

const Extension kUtf8Accept = {.id = Ext::Utf8Accept, .name = "UTF8=ACCEPT", .enabled_by_name = true};

}  // namespace libsync::server

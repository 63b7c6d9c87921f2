// SASL-IR (RFC 4959): AUTHENTICATE with the first response; run_authenticate() takes it.
#include "libsync/server/imap_extension.h"

namespace libsync::server {

const Extension kSaslIr = {.id = Ext::SaslIr, .name = "SASL-IR", .when = Extension::When::Always};

}  // namespace libsync::server

// LITERAL+ and LITERAL- (RFC 7888): literals that do not wait for "+". Imap::announced() holds them against these; a
// server with both tells the first, which has no bound.
#include "libsync/server/imap_core.h"

namespace libsync::server {

const Extension kLiteralPlus = {.id = Ext::LiteralPlus, .name = "LITERAL+", .when = Extension::When::Always};
const Extension kLiteralMinus = {.id = Ext::LiteralMinus, .name = "LITERAL-", .when = Extension::When::Always};

}  // namespace libsync::server

// NAMESPACE (RFC 2342): all mailboxes are one's own.
#include "libsync/server/imap_core.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

void run_namespace(Imap& imap, imap::Parser& in, bool) {
  if (!expect_end(imap, in)) return;
  imap.untagged("NAMESPACE ((\"\" \"/\")) NIL NIL");
  imap.ok("done");
}

constexpr CommandRow kCommands[] = {{.name = "NAMESPACE", .states = kInside, .run = run_namespace}};

}  // namespace

const Extension kNamespace = {.id = Ext::Namespace, .name = "NAMESPACE", .commands = kCommands};

}  // namespace libsync::server

// UNSELECT (RFC 3691): CLOSE that expunges nothing.
#include "libsync/server/imap_core.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

void run_unselect(Imap& imap, imap::Parser& in, bool) {
  if (!expect_end(imap, in)) return;
  imap.unselect();
  imap.ok("closed");
}

constexpr CommandRow kCommands[] = {{.name = "UNSELECT", .states = kSelectedOnly, .run = run_unselect}};

}  // namespace

const Extension kUnselect = {.id = Ext::Unselect, .name = "UNSELECT", .commands = kCommands};

}  // namespace libsync::server

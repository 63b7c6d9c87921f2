// ENABLE (RFC 5161).
#include <string>

#include "libsync/base/text.h"
#include "libsync/server/imap_core.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

const Extension* find(const Imap& imap, std::string_view name) {
  for (const Extension* each : extensions()) {
    if (each->enabled_by_name && imap.has(each->id) && iequals(each->name, name)) return each;
  }
  return nullptr;
}

void run_enable(Imap& imap, imap::Parser& in, bool) {
  std::string enabled = "ENABLED";
  bool any = false;
  while (in.space()) {
    const std::string_view name = in.atom();
    if (name.empty()) break;
    any = true;
    // Unknown ones are passed over (section 3.1).
    const Extension* extension = find(imap, name);
    if (extension == nullptr) continue;
    imap.enable(extension->id);
    // RFC 7162, section 3.2.3.
    if (extension->id == Ext::Qresync) imap.enable(Ext::Condstore);
    enabled.append(" ").append(extension->name);
  }
  if (!any) return imap.bad("ENABLE capability");
  if (!expect_end(imap, in)) return;
  imap.untagged(enabled);
  imap.ok("done");
}

// Section 3.1: only before a mailbox is selected. Clients do it later too, and nothing is wrong with that here.
constexpr CommandRow kCommands[] = {{.name = "ENABLE", .states = kInside, .run = run_enable}};

}  // namespace

// There are clients that ask what the server can before the login alone.
const Extension kEnable = {.id = Ext::Enable, .name = "ENABLE", .when = Extension::When::Always, .commands = kCommands};

}  // namespace libsync::server

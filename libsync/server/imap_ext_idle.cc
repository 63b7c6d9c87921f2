// IDLE (RFC 2177): changes are told as they happen, until DONE.
#include "libsync/base/text.h"
#include "libsync/server/imap_core.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

class Idling final : public Imap::Dialogue {
 public:
  bool line(Imap& imap, std::string_view text) override {
    iequals(text, "DONE") ? imap.ok("done") : imap.bad("DONE ends IDLE");
    return true;
  }
  void look(Imap& imap) override {
    if (imap.is_selected()) imap.tell_changes(true);
  }
};

void run_idle(Imap& imap, imap::Parser& in, bool) {
  if (!expect_end(imap, in)) return;
  imap.proceed();
  imap.dialogue(std::make_unique<Idling>());
}

constexpr CommandRow kCommands[] = {{.name = "IDLE", .states = kInside, .run = run_idle}};

}  // namespace

// Told before the login too: as ENABLE.
const Extension kIdle = {.id = Ext::Idle, .name = "IDLE", .when = Extension::When::Always, .commands = kCommands};

}  // namespace libsync::server

// MOVE (RFC 6851).
#include "libsync/server/imap_copy.h"

namespace libsync::server {
namespace {

void run_move(Imap& imap, imap::Parser& in, bool uid) {
  const auto what = read_copy(imap, in, uid);
  if (!what) return;
  if (imap.selected().read_only) return imap.no("it can only be read", "NOPERM");
  const auto moved = imap.mail().move(imap.selected().id, what->uids, what->to);
  if (!moved) return imap.refuse(moved.error());
  // Section 4.3: COPYUID goes before the EXPUNGEs, in an answer of its own.
  if (const std::string code = copy_code(imap, *moved); !code.empty()) imap.untagged("OK [" + code + "] moved");
  imap::SequenceSet gone;
  for (const auto& [old, now] : moved->uids) gone.add(old);
  imap.tell_gone(gone);
  imap.ok("moved");
}

constexpr CommandRow kCommands[] = {{.name = "MOVE", .states = kSelectedOnly, .run = run_move, .uid = UidForm::Also}};

}  // namespace

const Extension kMove = {.id = Ext::Move, .name = "MOVE", .commands = kCommands};

}  // namespace libsync::server

#include "libsync/replicas/imap_opening.h"

namespace libsync::replicas {

Status ImapOpening::send(ImapConversation& conversation, imap::SelectOptions options) {
  options.read_only = conversation.read_only;
  conversation.selected.clear();
  examined = false;
  state = {};
  TB_ASSIGN(examine, conversation.send(imap::select(wire, options)));
  return {};
}

bool ImapOpening::take(const imap::StatusLine& line) {
  if (line.code == imap::Code::Closed) {
    state = {};
    return true;
  }
  state.take(line);
  return false;
}

void ImapOpening::settle(ImapConversation& conversation, const imap::StatusLine& line) {
  examine = 0;
  examined = true;
  conversation.selected.clear();
  if (line.condition != imap::Condition::Ok) return;
  state.take(line);
  conversation.selected = wire;
  conversation.selected_epoch = state.uid_validity;
  conversation.selected_writable = !conversation.read_only && !state.read_only;
}

}  // namespace libsync::replicas

#include "libsync/replicas/imap_apply.h"

#include <utility>

#include "libsync/base/words.h"
#include "libsync/replicas/imap_adding.h"
#include "libsync/replicas/imap_boxes.h"
#include "libsync/replicas/imap_copying.h"
#include "libsync/replicas/imap_flagging.h"
#include "libsync/replicas/imap_removing.h"
#include "libsync/replicas/imap_writing.h"

namespace libsync::replicas {
namespace {

using sync::Action;
using sync::Op;

// Whether they can share a flight.
bool together(const Action& a, const Action& b) {
  if (a.op != b.op) return false;
  switch (a.op) {
    case Op::Flags:
    case Op::Copy:
    case Op::Move:
    case Op::Remove:
      return a.ref.box == b.ref.box && a.ref.epoch == b.ref.epoch;
    case Op::Add:
    case Op::CreateBox:
    case Op::Subscribe:
      return true;
    case Op::RenameBox:
    case Op::DeleteBox:
    case Op::Mend:
      break;
  }
  return false;
}

void run(ImapWriting& writing, std::span<const Action> actions) {
  switch (actions.front().op) {
    case Op::Flags:
      return ImapFlagging(writing).run(actions);
    case Op::Copy:
    case Op::Move:
      return ImapCopying(writing).run(actions);
    case Op::Remove:
      return ImapRemoving(writing).run(actions);
    case Op::Add:
      return ImapAdding(writing).run(actions);
    case Op::CreateBox:
      return ImapBoxes(writing).create(actions);
    case Op::Subscribe:
      return ImapBoxes(writing).subscribe(actions);
    case Op::RenameBox:
      return ImapBoxes(writing).rename(actions.front());
    case Op::DeleteBox:
      return ImapBoxes(writing).remove(actions.front());
    case Op::Mend:
      return writing.tell(actions.front(), {.did = sync::Did::Refused, .words = say("the server mends nothing")});
  }
}

}  // namespace

Status imap_apply(ImapConversation& conversation, ImapMailboxes& mailboxes, std::span<const Action> actions,
                  sync::ActionSink& sink, std::stop_token stop) {
  ImapWriting writing(conversation, mailboxes, sink, stop);
  conversation.listen(&writing);
  while (!actions.empty() && writing.going()) {
    if (stop.stop_requested()) {
      writing.keep(fail(Errc::Cancelled, std::string(word("stopped"))));
      break;
    }
    size_t n = 1;
    while (n < actions.size() && together(actions.front(), actions[n])) ++n;
    run(writing, actions.first(n));
    actions = actions.subspan(n);
  }
  if (writing.going()) writing.keep(sink.durable());
  conversation.listen(nullptr);
  if (!writing.going() && conversation.session().in_flight() > 0) conversation.abandon();
  return writing.status();
}

}  // namespace libsync::replicas

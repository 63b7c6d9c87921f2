#include "tools/twinbox/log_text.h"

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/replicas/store.h"
#include "libsync/sync/plan.h"

#include "tools/twinbox/output.h"

namespace twinbox {

namespace sync = libsync::sync;
using libsync::say;
using libsync::word;
using sync::Event;
using sync::Op;
using sync::Reason;
using sync::Side;

namespace {

std::string_view where(Side side) { return side == Side::A ? word("on the server") : word("here"); }

// What was to be done: "move from INBOX to Work".
std::string intent(const Event& event) {
  switch (event.op) {
    case Op::Add:
    case Op::Mend:
      return say("put into {}", event.folder);
    case Op::Copy:
      return say("copy from {} to {}", event.folder, event.to_folder);
    case Op::Move:
      return say("move from {} to {}", event.folder, event.to_folder);
    case Op::Flags:
      return say("flags {}", event.flags);
    case Op::Remove:
      return say("remove from {}", event.folder);
    case Op::CreateBox:
      return say("make the folder {}", event.folder);
    case Op::RenameBox:
      return say("rename the folder {} to {}", event.folder, event.to_folder);
    case Op::DeleteBox:
      return say("delete the folder {}", event.folder);
    case Op::Subscribe:
      return say("subscribe {}", event.folder);
  }
  return {};
}

// What was done, without the place: "moved from INBOX to Work".
std::string deed(const Event& event) {
  switch (event.op) {
    case Op::Add:
    case Op::Mend:
      return event.on == Side::A ? say("sent to the server, into {}", event.folder)
                                 : say("put here into {}", event.folder);
    case Op::Copy:
      return say("copied {} from {} to {}", where(event.on), event.folder, event.to_folder);
    case Op::Move:
      return say("moved {} from {} to {}", where(event.on), event.folder, event.to_folder);
    case Op::Flags:
      return say("flags {} {}", event.flags, where(event.on));
    case Op::Remove:
      return say("removed {} from {}", where(event.on), event.folder);
    case Op::CreateBox:
      return say("folder {} made {}", event.folder, where(event.on));
    case Op::RenameBox:
      return say("folder {} renamed to {} {}", event.folder, event.to_folder, where(event.on));
    case Op::DeleteBox:
      return say("folder {} deleted {}", event.folder, where(event.on));
    case Op::Subscribe:
      return say("folder {} subscribed {}", event.folder, where(event.on));
  }
  return {};
}

std::string because(const Event& event) {
  const std::string_view other = where(sync::other(event.on));
  switch (event.reason) {
    case Reason::New:
      return say("it was new {}", other);
    case Reason::FlagsChanged:
      return say("they were changed {}", other);
    case Reason::Moved:
      return event.op == Op::RenameBox ? say("it was renamed {}", other) : say("it was moved {}", other);
    case Reason::Removed:
      if (event.op == Op::DeleteBox) return say("it was deleted {}", other);
      return event.on == Side::A ? say("it was removed here") : say("it is gone on the server");
    case Reason::ChangedAgain:
      return say("it was removed {}, but moved or flagged {}", where(event.on), other);
    case Reason::Restored:
      return say("you wanted it back");
    default:
      return std::string(sync::reason_text(event.reason));
  }
}

std::string_view what_name(Event::What what) {
  switch (what) {
    case Event::What::Done:
      return "done";
    case Event::What::Refused:
      return "refused";
    case Event::What::PutOff:
      return "put-off";
    case Event::What::Command:
      return "command";
  }
  return "";
}

std::string_view op_name(Op op) {
  switch (op) {
    case Op::Add:
    case Op::Mend:
      return "add";
    case Op::Copy:
      return "copy";
    case Op::Move:
      return "move";
    case Op::Flags:
      return "flags";
    case Op::Remove:
      return "remove";
    case Op::CreateBox:
      return "folder-create";
    case Op::RenameBox:
      return "folder-rename";
    case Op::DeleteBox:
      return "folder-delete";
    case Op::Subscribe:
      return "folder-subscribe";
  }
  return "";
}

std::string_view reason_name(Reason reason) {
  switch (reason) {
    case Reason::New:
      return "new";
    case Reason::FlagsChanged:
      return "flags-changed";
    case Reason::Moved:
      return "moved";
    case Reason::Removed:
      return "removed";
    case Reason::ChangedAgain:
      return "changed-again";
    case Reason::LeaveNever:
      return "leave-never";
    case Reason::Leftover:
      return "leftover";
    case Reason::Restored:
      return "restored";
  }
  return "";
}

bool is_answer(const Event& event) { return event.by.starts_with("settle "); }

Json text_json(const std::string& text) { return text.empty() ? Json() : Json(text); }

}  // namespace

std::string event_text(const Event& event, int64_t now) {
  switch (event.what) {
    case Event::What::Done:
      return say("{}: {}", deed(event), because(event));
    case Event::What::Command:
      if (is_answer(event)) return say("answered by twinbox {}", event.by);
      return say("{}, by twinbox {}", deed(event), event.by);
    case Event::What::Refused:
    case Event::What::PutOff:
      break;
  }
  std::string text = event.what == Event::What::Refused
                         ? say("refused {}: {}: \"{}\"", where(event.on), intent(event), event.words)
                         : say("put off: {} {}: {}", intent(event), where(event.on), event.words);
  if (event.times > 1) text += say("; {} times since {}", event.times, short_time(event.first, now));
  return text;
}

JsonObject event_json(const Event& event, const std::string& account, const std::string& subject) {
  const libsync::store::MessageId id = libsync::replicas::message_of_instance(event.message);
  const bool command = event.what == Event::What::Command;
  return {{"account", account},
          {"time", iso_time(event.time)},
          {"event", what_name(event.what)},
          {"action", is_answer(event) ? Json() : Json(op_name(event.op))},
          {"on", event.on == Side::A ? "server" : "here"},
          {"reason", command ? Json() : Json(reason_name(event.reason))},
          {"command", text_json(event.by)},
          {"id", id == 0 ? Json() : Json(id)},
          {"subject", text_json(subject)},
          {"folder", text_json(event.folder)},
          {"to_folder", text_json(event.to_folder)},
          {"key", text_json(event.key)},
          {"change", text_json(event.flags)},
          {"words", text_json(event.words)},
          {"times", event.times},
          {"first", iso_time(event.first)}};
}

}  // namespace twinbox

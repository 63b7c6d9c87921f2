// Entries of the log: what was done about a message or a mailbox, or was refused.
#include "libsync/base/text.h"
#include "libsync/sync/path.h"
#include "libsync/sync/run.h"

namespace libsync::sync {
namespace {

std::string shown(const Path& path) { return printable(encode_path(path), kMaxEventText); }

std::string shown(const Run& run, PairId id, Side side) {
  const Pair* pair = run.book.find(id);
  return pair == nullptr ? std::string() : shown(pair->at(side).path);
}

std::string key_text(const Key& key) {
  return key.number != 0 ? std::to_string(key.number) : printable(key.name, kMaxEventText);
}

void append_flags(std::string& out, char sign, const Flags& flags) {
  static constexpr std::pair<uint32_t, const char*> kNames[] = {
      {kSeen, "seen"}, {kAnswered, "answered"}, {kFlagged, "flagged"}, {kDeleted, "deleted"}, {kDraft, "draft"}};
  const auto add = [&](std::string_view name) {
    if (!out.empty()) out += ' ';
    out += sign;
    out += name;
  };
  for (const auto& [bit, name] : kNames) {
    if ((flags.system & bit) != 0) add(name);
  }
  for (const std::string& keyword : flags.keywords) add(keyword);
}

}  // namespace

std::string changes_text(const Flags& add, const Flags& del) {
  std::string out;
  append_flags(out, '+', add);
  append_flags(out, '-', del);
  return printable(out, kMaxEventText);
}

void Run::note(const Row& row, const Planned& planned, Event::What what, std::string_view words) {
  // What comes down needs no entry, the message's own row tells when; a leftover is the end of a move.
  const bool plain = planned.on == Side::B && planned.reason == Reason::New && what == Event::What::Done;
  if (plain || planned.reason == Reason::Leftover) return;
  const Half& half = row.half(planned.on);
  const bool moves = planned.op == Op::Move;
  notes.push_back({.time = clock.unix_seconds(),
                   .what = what,
                   .op = planned.op,
                   .on = planned.on,
                   .reason = planned.reason,
                   .row = row.id,
                   .message = row.half(Side::B).instance,
                   .folder = shown(*this, planned.op == Op::Add ? planned.pair : half.pair, planned.on),
                   .to_folder = moves ? shown(*this, planned.pair, planned.on) : std::string(),
                   .key = key_text(row.half(Side::A).key),
                   .flags = planned.op == Op::Flags ? changes_text(planned.add, planned.del) : std::string(),
                   .words = printable(words, kMaxEventText)});
}

void Run::note(Side on, const Action& action, const Outcome& outcome) {
  const bool done = outcome.did == Did::Ok;
  // Of a name that is taken, or a mailbox that is not empty, nobody needs to hear; nor that one was made here.
  const bool refused = outcome.did == Did::Refused || outcome.did == Did::ReadOnly || outcome.did == Did::Quota;
  const bool plain = action.op == Op::Subscribe || (action.op == Op::CreateBox && on == Side::B && done);
  if (plain || (!done && !refused)) return;
  const Pair* pair = book.find_box(on, action.box);
  const std::string name = pair == nullptr ? std::string() : shown(pair->at(on).path);
  const bool makes = action.op == Op::CreateBox;
  notes.push_back({.time = clock.unix_seconds(),
                   .what = done ? Event::What::Done : Event::What::Refused,
                   .op = action.op,
                   .on = on,
                   .reason = makes                        ? Reason::New
                             : action.op == Op::RenameBox ? Reason::Moved
                                                          : Reason::Removed,
                   .folder = makes ? shown(action.path) : name,
                   .to_folder = action.op == Op::RenameBox ? shown(action.path) : std::string(),
                   .words = printable(outcome.words, kMaxEventText)});
}

Status Run::write_notes() {
  if (notes.empty()) return {};
  TB_ASSIGN(auto batch, link.begin_later());
  for (const Event& each : notes) TB_TRY(link.record(each));
  notes.clear();
  return batch->commit();
}

Status Run::close_log() {
  if (options.dry_run) return {};
  TB_TRY(write_notes());
  return link.drop_events(clock.unix_seconds() - kEventSeconds);
}

}  // namespace libsync::sync

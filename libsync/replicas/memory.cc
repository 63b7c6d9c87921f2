#include "libsync/replicas/memory.h"

#include <algorithm>

#include <fmt/format.h>

#include "libsync/base/digest.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/path.h"
#include "libsync/sync/print.h"

namespace libsync::replicas {

using sync::Action;
using sync::Did;
using sync::has_prefix;
using sync::moved_along;
using sync::MsgRef;
using sync::Op;
using sync::Outcome;
using sync::Path;

namespace {

constexpr size_t kPieceBytes = 64 << 10;

}  // namespace

std::string MemoryReplica::id_of(const std::string& internal, const Box& box) const {
  return traits_.box_ids ? internal : sync::encode_path(box.path);
}

MemoryReplica::Box* MemoryReplica::by_id(const sync::BoxId& id) {
  for (auto& [internal, box] : boxes_) {
    if (id_of(internal, box) == id) return &box;
  }
  return nullptr;
}

MemoryReplica::Box* MemoryReplica::box(const Path& path) {
  for (auto& [internal, box] : boxes_) {
    if (box.path == path) return &box;
  }
  return nullptr;
}

MemoryReplica::Box* MemoryReplica::at(const MsgRef& ref) {
  Box* box = by_id(ref.box);
  return box != nullptr && box->uidvalidity == ref.epoch && box->messages.contains(ref.key.number) ? box : nullptr;
}

Outcome MemoryReplica::lacks(const MsgRef& ref) {
  const Box* box = by_id(ref.box);
  return {.did = box == nullptr || box->uidvalidity != ref.epoch ? Did::NoBox : Did::Gone};
}

sync::BoxId MemoryReplica::make_box(const Path& path, sync::Role role) {
  const std::string internal = fmt::format("box{}", next_box_++);
  Box& box = boxes_[internal];
  box.path = path;
  box.role = role;
  box.uidvalidity = next_uidvalidity_++;
  return id_of(internal, box);
}

void MemoryReplica::rename_box(const Path& from, const Path& to) {
  for (auto& [internal, box] : boxes_) {
    if (box.path == from) {
      box.path = to;
    } else if (has_prefix(box.path, from)) {
      box.path = moved_along(box.path, from, to);
    }
  }
}

void MemoryReplica::delete_box(const Path& path) {
  std::erase_if(boxes_, [&](const auto& entry) { return entry.second.path == path; });
}

uint64_t MemoryReplica::insert(Box& box, Message message) {
  const uint64_t uid = box.uidnext++;
  message.modseq = ++box.modseq;
  if (message.instance.empty()) message.instance = fmt::format("i{}", next_instance_++);
  box.messages[uid] = std::move(message);
  return uid;
}

void MemoryReplica::erase(Box& box, uint64_t uid) {
  box.messages.erase(uid);
  box.expunged[uid] = ++box.modseq;
}

uint64_t MemoryReplica::append(const Path& path, std::string octets, sync::Flags flags, std::optional<int64_t> date) {
  return insert(*box(path), {.octets = std::move(octets), .flags = std::move(flags), .date = date});
}

void MemoryReplica::set_flags(const Path& path, uint64_t uid, sync::Flags flags) {
  Box& in = *box(path);
  in.messages.at(uid).flags = std::move(flags);
  in.messages.at(uid).modseq = ++in.modseq;
}

void MemoryReplica::expunge(const Path& path, uint64_t uid) { erase(*box(path), uid); }

uint64_t MemoryReplica::move(const Path& from, uint64_t uid, const Path& to) {
  Box& source = *box(from);
  Message message = source.messages.at(uid);
  erase(source, uid);
  return insert(*box(to), std::move(message));
}

void MemoryReplica::renumber(const Path& path) {
  Box& in = *box(path);
  const auto messages = std::exchange(in.messages, {});
  in.expunged.clear();
  in.uidvalidity = 1000 + next_uidvalidity_++;
  in.uidnext = 100;
  for (const auto& [uid, message] : messages) insert(in, message);
}

sync::Facts MemoryReplica::facts(const Message& message) const {
  sync::Facts facts{.flags = message.flags, .size = message.octets.size(), .date = message.date};
  if (traits_.instances) facts.instance = message.instance;
  if (traits_.objects) facts.object = "sha256:" + to_hex(sha256(message.octets));
  return facts;
}

Result<std::vector<sync::Mailbox>> MemoryReplica::mailboxes(std::stop_token) {
  std::vector<sync::Mailbox> out;
  for (const auto& [internal, box] : boxes_) {
    out.push_back({.id = id_of(internal, box), .path = box.path, .role = box.role, .subscribed = box.subscribed});
  }
  return out;
}

Status MemoryReplica::changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) {
  for (const auto& cursor : cursors) {
    if (stop.stop_requested()) return fail(Errc::Cancelled, std::string(word("stopped")));
    Box* box = by_id(cursor.box);
    if (box == nullptr) {
      TB_TRY(sink.missing(cursor.box));
    } else if (cursor.cursor != fmt::format("{}:{}", box->uidvalidity, box->modseq)) {
      TB_TRY(report(cursor.box, *box, cursor.cursor, sink));
    }
  }
  return {};
}

Status MemoryReplica::report(const std::string& id, Box& box, const std::string& cursor, sync::ChangeSink& sink) {
  const size_t colon = cursor.find(':');
  const auto epoch = colon == cursor.npos ? std::nullopt : parse_u64(std::string_view(cursor).substr(0, colon));
  const auto since = colon == cursor.npos ? std::nullopt : parse_u64(std::string_view(cursor).substr(colon + 1));
  const bool full = !traits_.capabilities.change_tokens || !since || epoch != box.uidvalidity;
  const sync::BoxState state{
      .epoch = box.uidvalidity,
      .full = full,
      .storable = {.system = sync::kAllSystemFlags, .any_keyword = traits_.capabilities.keywords},
      .rights = {.add = true, .remove = true, .set_flags = true},
  };
  TB_TRY(sink.open(id, state));
  for (const auto& [uid, message] : box.messages) {
    if (full || message.modseq > *since) TB_TRY(sink.seen({id, box.uidvalidity, {uid}}, facts(message)));
  }
  if (!full) {
    for (const auto& [uid, modseq] : box.expunged) {
      if (modseq > *since) TB_TRY(sink.vanished(id, box.uidvalidity, {uid}));
    }
  }
  return sink.close(id, fmt::format("{}:{}", box.uidvalidity, box.modseq), box.messages.size());
}

Status MemoryReplica::fetch(std::span<const sync::FetchItem> items, sync::MessageSink& sink, std::stop_token stop) {
  for (const auto& item : items) {
    if (stop.stop_requested()) return fail(Errc::Cancelled, std::string(word("stopped")));
    Box* box = at(item.ref);
    if (box == nullptr) {
      TB_TRY(sink.failed(item.token, {.code = Errc::NotFound, .what = std::string(word("no such message"))}));
      continue;
    }
    std::string_view octets = box->messages.at(item.ref.key.number).octets;
    if (item.part == sync::FetchPart::Header) octets = octets.substr(0, sync::header_size(octets));
    TB_TRY(sink.begin(item.token, octets.size()));
    for (size_t at = 0; at < octets.size(); at += kPieceBytes) TB_TRY(sink.data(octets.substr(at, kPieceBytes)));
    TB_TRY(sink.end(item.token));
  }
  return {};
}

Status MemoryReplica::apply(std::span<const Action> actions, sync::ActionSink& sink, std::stop_token stop) {
  for (const Action& action : actions) {
    if (stop.stop_requested()) return fail(Errc::Cancelled, std::string(word("stopped")));
    TB_ASSIGN(const Outcome outcome, act(action));
    TB_TRY(sink.done(action.token, outcome));
  }
  return sink.durable();
}

Result<Outcome> MemoryReplica::act(const Action& action) {
  switch (action.op) {
    case Op::CreateBox:
      return create_box(action);
    case Op::RenameBox:
      return rename_box(action);
    case Op::DeleteBox:
      return delete_box(action);
    case Op::Subscribe:
      if (Box* box = by_id(action.box)) {
        box->subscribed = action.subscribed;
        return Outcome{};
      }
      return Outcome{.did = Did::NoBox};
    case Op::Flags:
      return set_flags(action);
    case Op::Add:
      return add(action);
    case Op::Copy:
      return place(action, true);
    case Op::Move:
      return place(action, false);
    case Op::Remove:
      return remove(action);
    case Op::Mend:  // nothing in memory is damaged
      break;
  }
  return Outcome{.did = Did::Refused, .words = "no such operation"};
}

Outcome MemoryReplica::create_box(const Action& action) {
  if (box(action.path) != nullptr) return {.did = Did::Exists, .words = "mailbox exists"};
  const sync::BoxId id = make_box(action.path, action.role);
  by_id(id)->subscribed = action.subscribed;
  return {.box = id};
}

Outcome MemoryReplica::rename_box(const Action& action) {
  Box* found = by_id(action.box);
  if (found == nullptr) return {.did = Did::NoBox};
  // Neither it nor one below it takes another's name.
  const auto in_the_way = [&](const auto& each) {
    const Path& path = each.second.path;
    if (path != found->path && !has_prefix(path, found->path)) return false;
    const Box* there = box(moved_along(path, found->path, action.path));
    return there != nullptr && there->path != found->path && !has_prefix(there->path, found->path);
  };
  if (std::ranges::any_of(boxes_, in_the_way)) return {.did = Did::Exists, .words = "mailbox exists"};
  rename_box(Path(found->path), action.path);
  return {.box = traits_.box_ids ? action.box : sync::encode_path(action.path)};
}

Outcome MemoryReplica::delete_box(const Action& action) {
  Box* found = by_id(action.box);
  if (found == nullptr) return {.did = Did::NoBox};
  if (!found->messages.empty()) return {.did = Did::NotEmpty, .words = "mailbox is not empty"};
  delete_box(Path(found->path));
  return {};
}

Outcome MemoryReplica::set_flags(const Action& action) {
  Box* found = at(action.ref);
  if (found == nullptr) return lacks(action.ref);
  Message& message = found->messages.at(action.ref.key.number);
  sync::Flags flags{.system = (message.flags.system | action.add.system) & ~action.del.system};
  for (const auto& keyword : message.flags.keywords) {
    if (std::ranges::none_of(action.del.keywords, [&](const auto& k) { return iequals(k, keyword); })) {
      flags.add_keyword(keyword);
    }
  }
  for (const auto& keyword : action.add.keywords) flags.add_keyword(keyword);
  message.flags = std::move(flags);
  message.modseq = ++found->modseq;
  return {};
}

Result<Outcome> MemoryReplica::add(const Action& action) {
  Box* found = by_id(action.box);
  Message message{.octets = {}, .flags = action.add, .date = action.date};
  if (action.content == nullptr) return Outcome{.did = Did::Gone};  // a mailbox in memory keeps no other octets
  while (true) {
    TB_ASSIGN(const std::string_view piece, action.content->next());
    if (piece.empty()) break;
    message.octets += piece;
  }
  if (found == nullptr) return Outcome{.did = Did::NoBox};
  Outcome outcome{.content = "sha256:" + to_hex(sha256(message.octets))};
  const uint64_t uid = insert(*found, std::move(message));
  outcome.ref = {action.box, found->uidvalidity, {uid}};
  if (traits_.instances) outcome.instance = found->messages.at(uid).instance;
  return outcome;
}

Outcome MemoryReplica::place(const Action& action, bool keep) {
  Box* source = at(action.ref);
  Box* target = by_id(action.box);
  if (source == nullptr) return lacks(action.ref);
  if (target == nullptr) return {.did = Did::NoBox};
  Message message = source->messages.at(action.ref.key.number);
  if (keep) {
    message.instance.clear();
  } else {
    erase(*source, action.ref.key.number);
  }
  const uint64_t uid = insert(*target, std::move(message));
  Outcome outcome{.ref = {action.box, target->uidvalidity, {uid}}};
  if (traits_.instances) outcome.instance = target->messages.at(uid).instance;
  return outcome;
}

Outcome MemoryReplica::remove(const Action& action) {
  Box* found = at(action.ref);
  if (found == nullptr) return lacks(action.ref);
  erase(*found, action.ref.key.number);
  return {};
}

Result<std::vector<sync::BoxId>> MemoryReplica::wait(Deadline, std::stop_token) { return std::vector<sync::BoxId>{}; }

Status MemoryReplica::finish(sync::ActionSink& sink, std::stop_token) { return sink.durable(); }

}  // namespace libsync::replicas

#include "libsync/replicas/store.h"

#include <algorithm>
#include <map>
#include <thread>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/store/edit.h"
#include "libsync/store/rows.h"

namespace libsync::replicas {
namespace {

using store::MailboxId;
using store::MailboxInfo;
using store::MessageId;
using sync::Action;
using sync::Did;
using sync::Op;
using sync::Outcome;

constexpr std::chrono::milliseconds kLookAgain{500};  // a person's edit is on its way to the server soon enough
constexpr std::string_view kDigestPrefix = "sha256:";

std::string object_of(const Sha256Digest& digest) { return std::string(kDigestPrefix) + to_hex(digest); }

MailboxId box_of(const sync::BoxId& box) {
  const auto id = parse_u64(box);
  return id && *id <= INT64_MAX ? static_cast<MailboxId>(*id) : 0;
}

Status cancelled() { return fail(Errc::Cancelled, std::string(word("stopped"))); }

// Which outcome a refusal of the store's is; nothing for failures that end the call.
std::optional<Did> outcome_of(const Error& error) {
  switch (error.code) {
    case Errc::NotFound:
      return Did::NoBox;
    case Errc::Usage:
    case Errc::Limit:
      return Did::Never;
    case Errc::Refused:
      return Did::NotEmpty;
    default:
      return std::nullopt;
  }
}

// A message that was made ready while the one before it was stored.
class PreparedSource final : public sync::ContentSource {
 public:
  explicit PreparedSource(store::Prepared message) : message_(std::move(message)) {}
  std::optional<uint64_t> size() const override { return message_.size; }
  Result<std::string_view> next() override {
    return fail(Errc::Internal, "a message made ready for the store was read as octets");
  }
  sync::Id print() const override { return message_.print; }
  store::Prepared& message() { return message_; }

 private:
  store::Prepared message_;
};

// One apply(): contents staged beforehand, then the actions one by one in the transaction.
class Applier {
 public:
  Applier(store::Store& store, std::span<const Action> actions) : store_(store), actions_(actions) {}

  // Reads the octets of every action that has some: the slow part, and no lock of SQLite's is held meanwhile.
  Status stage(const std::stop_token& stop) {
    staged_.resize(actions_.size());
    std::vector<size_t> ready;
    std::vector<store::Prepared*> messages;
    for (size_t i = 0; i < actions_.size(); ++i) {
      const bool octets = actions_[i].op == Op::Mend || (actions_[i].op == Op::Add && actions_[i].known.empty());
      if (!octets) continue;
      if (stop.stop_requested()) return cancelled();
      if (actions_[i].content == nullptr) return fail(Errc::Internal, "an action without content");
      if (auto* prepared = dynamic_cast<PreparedSource*>(actions_[i].content)) {
        ready.push_back(i);
        messages.push_back(&prepared->message());
      } else {
        TB_ASSIGN(staged_[i], store_.stage(*actions_[i].content));
      }
    }
    if (ready.empty()) return {};
    TB_ASSIGN(auto staged, store_.stage(messages));
    for (size_t k = 0; k < ready.size(); ++k) staged_[ready[k]] = std::move(staged[k]);
    return {};
  }

  Status run(sync::ActionSink& sink) {
    TB_ASSIGN(write_, store_.begin());
    for (size_t i = 0; i < actions_.size(); ++i) {
      auto outcome = carry_out(i);
      if (!outcome) {
        const auto did = outcome_of(outcome.error());
        if (!did) return fail(outcome.error());
        outcome = Outcome{.did = *did, .words = outcome.error().what};
      }
      TB_TRY(sink.done(actions_[i].token, *outcome));
    }
    TB_TRY(write_->commit());
    return sink.durable();
  }

 private:
  Result<Outcome> carry_out(size_t i) {
    const Action& action = actions_[i];
    switch (action.op) {
      case Op::CreateBox:
        return create(action);
      case Op::RenameBox:
        return rename(action);
      case Op::DeleteBox:
        return plain(write_->delete_mailbox(box_of(action.box)));
      case Op::Subscribe:
        return plain(write_->set_subscribed(box_of(action.box), action.subscribed));
      case Op::Add:
        return add(action, staged_[i]);
      case Op::Mend:
        return mend(action, staged_[i]);
      case Op::Flags:
      case Op::Copy:
      case Op::Move:
      case Op::Remove:
        return on_message(action);
    }
    return fail(Errc::Internal, "an operation that the store does not know");
  }

  static Result<Outcome> plain(const Status& status) {
    if (!status) return fail(status.error());
    return Outcome{};
  }

  Result<Outcome> create(const Action& action) {
    TB_ASSIGN(const auto taken, store_.find_mailbox(action.path));
    if (taken) return Outcome{.did = Did::Exists, .box = std::to_string(taken->id)};
    TB_ASSIGN(const MailboxId id, write_->create_mailbox(action.path, action.role));
    TB_TRY(write_->set_subscribed(id, action.subscribed));
    TB_ASSIGN(const auto box, write_->mailbox(id));
    return Outcome{.box = std::to_string(id), .cursor = box ? std::to_string(box->highestmodseq) : std::string()};
  }

  Result<Outcome> rename(const Action& action) {
    const MailboxId id = box_of(action.box);
    TB_ASSIGN(const auto box, write_->mailbox(id));
    if (!box) return Outcome{.did = Did::NoBox};
    TB_ASSIGN(const auto boxes, store_.mailboxes());
    if (store::name_in_the_way(boxes, box->path, action.path)) return Outcome{.did = Did::Exists};
    TB_TRY(write_->rename_mailbox(id, action.path));
    return Outcome{.box = action.box};
  }

  Result<Outcome> placed(MailboxId id, const store::Write::Placed& at) {
    TB_ASSIGN(const auto box, write_->mailbox(id));
    return Outcome{.ref = {.box = std::to_string(id), .epoch = box ? box->uidvalidity : 0, .key = {.number = at.uid}},
                   .instance = instance_of(at.id)};
  }

  // A new message takes one modseq of its mailbox.
  Result<Outcome> added(MailboxId id, const store::Write::Placed& at) {
    TB_ASSIGN(Outcome outcome, placed(id, at));
    TB_ASSIGN(const auto box, write_->mailbox(id));
    if (!box) return outcome;
    outcome.cursor_before = std::to_string(box->highestmodseq - 1);
    outcome.cursor = std::to_string(box->highestmodseq);
    return outcome;
  }

  Result<Outcome> add(const Action& action, const store::Staged& staged) {
    const MailboxId id = box_of(action.box);
    return action.known.empty() ? add_staged(action, id, staged) : add_known(action, id);
  }

  Result<Outcome> add_staged(const Action& action, MailboxId id, const store::Staged& staged) {
    TB_ASSIGN(const auto at, write_->add(id, staged, action.add, action.date));
    TB_ASSIGN(Outcome outcome, added(id, at));
    outcome.content = object_of(staged.sha256);
    return outcome;
  }

  Result<Outcome> mend(const Action& action, const store::Staged& staged) {
    Outcome outcome{.content = object_of(staged.sha256)};
    if (outcome.content == action.known) {
      TB_TRY(write_->mend(staged));
    } else if (!action.box.empty()) {
      return add_staged(action, box_of(action.box), staged);
    }
    return outcome;
  }

  Result<Outcome> add_known(const Action& action, MailboxId id) {
    const auto digest = digest_of_object(action.known);
    if (!digest) return Outcome{.did = Did::Gone};
    TB_ASSIGN(const auto content, store_.find_content(*digest));
    if (!content) return Outcome{.did = Did::Gone};
    TB_ASSIGN(const auto at, write_->add_known(id, *content, action.add, action.date));
    TB_ASSIGN(Outcome outcome, added(id, at));
    outcome.content = action.known;
    return outcome;
  }

  Result<Outcome> on_message(const Action& action) {
    TB_ASSIGN(const auto box, write_->mailbox(box_of(action.ref.box)));
    if (!box || box->uidvalidity != action.ref.epoch || action.ref.key.number > UINT32_MAX) {
      return Outcome{.did = Did::NoBox};
    }
    TB_ASSIGN(const MessageId id, write_->find(box->id, static_cast<uint32_t>(action.ref.key.number)));
    if (id == 0) return Outcome{.did = Did::Gone};
    const MailboxId to = box_of(action.box);
    const bool goes = action.op == Op::Copy || action.op == Op::Move;
    TB_ASSIGN(const std::string target_before, goes ? cursor_of(to) : std::string());
    TB_ASSIGN(Outcome outcome, change(action, id, to));
    if (outcome.did != Did::Ok) return outcome;
    // All in one transaction: nobody's change lies between.
    if (action.op != Op::Copy) {
      outcome.source_before = std::to_string(box->highestmodseq);
      TB_ASSIGN(outcome.source, cursor_of(box->id));
    }
    if (goes && to != box->id) {
      outcome.cursor_before = target_before;
      TB_ASSIGN(outcome.cursor, cursor_of(to));
    }
    return outcome;
  }

  Result<Outcome> change(const Action& action, MessageId id, MailboxId to) {
    if (action.op == Op::Flags) return plain(write_->change_flags(id, action.add, action.del));
    if (action.op == Op::Remove) return remove(action, id);
    auto at = action.op == Op::Copy ? write_->copy(id, to) : write_->move(id, to);
    if (!at) return fail(at.error());
    return placed(to, *at);
  }

  // "": there is no such mailbox.
  Result<std::string> cursor_of(MailboxId id) {
    TB_ASSIGN(const auto box, write_->mailbox(id));
    return box ? std::to_string(box->highestmodseq) : std::string();
  }

  Result<Outcome> remove(const Action& action, MessageId id) {
    if (action.size_expected != 0) {
      TB_ASSIGN(const auto info, store_.message(id));
      if (info && info->size != action.size_expected) {
        return Outcome{.did = Did::Refused, .words = std::string(word("its size is another"))};
      }
    }
    return plain(write_->remove(id));
  }

  store::Store& store_;
  std::span<const Action> actions_;
  std::vector<store::Staged> staged_;
  std::unique_ptr<store::Write> write_;
};

// changes() of one mailbox.
class Looker {
 public:
  Looker(store::Store& store, sync::ChangeSink& sink, const std::stop_token& stop)
      : db_(store.db()), sink_(sink), stop_(stop) {}

  Status look(const MailboxInfo& box, std::string_view cursor) {
    TB_ASSIGN(const uint64_t floor, vanished_floor(box.id));
    const auto since = parse_u64(cursor);
    const bool full = !since || *since < floor || *since > box.highestmodseq;
    if (!full && *since == box.highestmodseq) return {};
    const std::string id = std::to_string(box.id);
    TB_TRY(sink_.open(id, {.epoch = box.uidvalidity,
                           .full = full,
                           .storable = {.system = sync::kAllSystemFlags, .any_keyword = true},
                           .rights = {.read_only = false, .add = true, .remove = true, .set_flags = true}}));
    TB_TRY(seen(box, full ? 0 : *since));
    if (!full) TB_TRY(vanished(box, *since));
    return sink_.close(id, std::to_string(box.highestmodseq), box.messages);
  }

 private:
  Result<uint64_t> vanished_floor(MailboxId id) {
    TB_ASSIGN(auto s, db_.prepare("SELECT vanished_floor FROM mailbox WHERE id=?"));
    TB_ASSIGN(const bool row, s.bind(id).step());
    return row ? static_cast<uint64_t>(s.integer(0)) : 0;
  }

  Status seen(const MailboxInfo& box, uint64_t since) {
    TB_ASSIGN(auto s, db_.prepare("SELECT m.id, m.uid, m.flags, m.keywords, m.internaldate, c.size, c.sha256, c.print"
                                  " FROM message m JOIN content c ON c.id=m.content"
                                  " WHERE m.mailbox=?1 AND m.modseq>?2 ORDER BY m.modseq"));
    s.bind(box.id, since);
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) return {};
      if (stop_.stop_requested()) return cancelled();
      const sync::MsgRef ref{.box = std::to_string(box.id),
                             .epoch = box.uidvalidity,
                             .key = {.number = static_cast<uint64_t>(s.integer(1))}};
      TB_TRY(sink_.seen(ref, {.flags = store::read_flags(s.integer(2), s.text(3)),
                              .size = static_cast<uint64_t>(s.integer(5)),
                              .date = s.integer(4),
                              .instance = instance_of(s.integer(0)),
                              .object = std::string(kDigestPrefix) + to_hex(s.text(6)),
                              .print = to_hex(s.text(7))}));
    }
  }

  Status vanished(const MailboxInfo& box, uint64_t since) {
    TB_ASSIGN(auto s, db_.prepare("SELECT uid FROM vanished WHERE mailbox=? AND modseq>? ORDER BY modseq"));
    s.bind(box.id, since);
    while (true) {
      TB_ASSIGN(const bool row, s.step());
      if (!row) return {};
      const auto uid = static_cast<uint64_t>(s.integer(0));
      TB_TRY(sink_.vanished(std::to_string(box.id), box.uidvalidity, {.number = uid}));
    }
  }

  store::Db& db_;
  sync::ChangeSink& sink_;
  const std::stop_token& stop_;
};

Result<std::optional<store::ContentRow>> content_at(store::Store& store, const sync::MsgRef& ref) {
  store::ContentId content = 0;
  {
    TB_ASSIGN(auto s, store.db().prepare("SELECT m.content FROM message m JOIN mailbox b ON b.id=m.mailbox"
                                         " WHERE m.mailbox=? AND m.uid=? AND b.uidvalidity=?"));
    TB_ASSIGN(const bool row, s.bind(box_of(ref.box), ref.key.number, ref.epoch).step());
    if (!row) return std::nullopt;
    content = s.integer(0);
  }
  return store::content_row(store.db(), content);
}

Status fetch_one(store::Store& store, const sync::FetchItem& item, sync::MessageSink& sink) {
  TB_ASSIGN(const auto content, content_at(store, item.ref));
  if (!content) {
    return sink.failed(item.token, {.code = Errc::NotFound, .what = std::string(word("the message is gone"))});
  }
  if (item.part == sync::FetchPart::Header) {
    const auto header = store.header(content->id);
    if (!header) return sink.failed(item.token, header.error());
    TB_TRY(sink.begin(item.token, header->size()));
    TB_TRY(sink.data(*header));
    return sink.end(item.token);
  }
  TB_TRY(sink.begin(item.token, content->size));
  Status taken;
  const Status read = store.stream(content->id, [&](std::string_view octets) {
    taken = sink.data(octets);
    return taken.has_value();
  });
  TB_TRY(taken);
  if (!read) return sink.failed(item.token, read.error());  // what was begun is void without end()
  return sink.end(item.token);
}

}  // namespace

sync::Id instance_of(MessageId id) { return "m" + std::to_string(id); }

store::MessageId message_of_instance(std::string_view instance) {
  if (!instance.starts_with('m')) return 0;
  const auto id = parse_u64(instance.substr(1));
  return id && *id <= INT64_MAX ? static_cast<MessageId>(*id) : 0;
}

std::optional<Sha256Digest> digest_of_object(std::string_view object) {
  if (!object.starts_with(kDigestPrefix)) return std::nullopt;
  const std::string bytes = store::unhex(object.substr(kDigestPrefix.size()));
  if (bytes.size() != sizeof(Sha256Digest)) return std::nullopt;
  return store::digest_of(bytes);
}

Result<std::optional<sync::Id>> find_known_content(store::Store& store, const sync::Id& print) {
  TB_ASSIGN(const auto found, store.find_print(print));
  // Several contents with one print: which of them it is, only the octets can tell.
  if (found.size() != 1) return std::nullopt;
  TB_ASSIGN(const auto row, store::content_row(store.db(), found.front()));
  if (!row) return std::nullopt;
  // Asked for every message of the server's: a look at the whole table each time would take hours where much is
  // damaged.
  TB_ASSIGN(auto s, store.db().prepare("SELECT 1 FROM damaged WHERE content=?"));
  TB_ASSIGN(const bool damaged, s.bind(row->id).step());
  if (damaged) return std::nullopt;
  return object_of(row->sha256);
}

Result<std::vector<sync::Id>> damaged_contents(store::Store& store) {
  TB_ASSIGN(const auto digests, store.damaged_contents());
  std::vector<sync::Id> out;
  out.reserve(digests.size());
  for (const Sha256Digest& digest : digests) out.push_back(object_of(digest));
  return out;
}

Result<uint64_t> note_lost(store::Store& store, std::span<const sync::Id> contents) {
  std::vector<Sha256Digest> digests;
  for (const sync::Id& content : contents) {
    if (const auto digest = digest_of_object(content)) digests.push_back(*digest);
  }
  return store.note_lost(digests);
}

Status verify_content(store::Store& store, const sync::Id& object) {
  const auto digest = digest_of_object(object);
  if (!digest) return fail(Errc::Internal, "an object that is no digest");
  TB_ASSIGN(const auto content, store.find_content(*digest));
  if (!content) return fail(Errc::NotFound, std::string(word("its octets are not in the store")));
  return store.stream(*content, [](std::string_view) { return true; }, true);
}

sync::Capabilities StoreReplica::capabilities() const {
  return {.folders = true,
          .flags = true,
          .keywords = true,
          .append = true,
          .move = true,
          .remove = true,
          .own_transaction = true,
          .change_tokens = true,
          .partial_fetch = true,
          .push = true,
          .stable_ids = true,
          .counted_fetch = true};
}

std::string StoreReplica::identity() const {
  const auto uuid = store_.meta("uuid");
  return "store:" + (uuid && *uuid ? **uuid : std::string());
}

Result<std::vector<sync::Mailbox>> StoreReplica::mailboxes(std::stop_token) {
  TB_ASSIGN(const auto boxes, store_.mailboxes());
  std::vector<sync::Mailbox> out;
  out.reserve(boxes.size());
  for (const MailboxInfo& box : boxes) {
    out.push_back({.id = std::to_string(box.id),
                   .path = box.path,
                   .role = box.role,
                   .selectable = true,
                   .subscribed = box.subscribed});
  }
  return out;
}

Status StoreReplica::changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) {
  Looker looker(store_, sink, stop);
  for (const sync::BoxCursor& each : cursors) {
    if (stop.stop_requested()) return cancelled();
    TB_ASSIGN(const auto box, store_.mailbox(box_of(each.box)));
    if (!box) {
      TB_TRY(sink.missing(each.box));
      continue;
    }
    TB_TRY(looker.look(*box, each.cursor));
  }
  return {};
}

Status StoreReplica::fetch(std::span<const sync::FetchItem> items, sync::MessageSink& sink, std::stop_token stop) {
  for (const sync::FetchItem& item : items) {
    if (stop.stop_requested()) return cancelled();
    TB_TRY(fetch_one(store_, item, sink));
  }
  return {};
}

std::unique_ptr<sync::ContentSource> StoreReplica::prepare(std::string_view octets) {
  return std::make_unique<PreparedSource>(preparer_.prepare(octets));
}

Status StoreReplica::apply(std::span<const Action> actions, sync::ActionSink& sink, std::stop_token stop) {
  if (actions.empty()) return {};
  Applier applier(store_, actions);
  if (auto staged = applier.stage(stop); !staged) {
    store_.discard_staged();
    return staged;
  }
  return applier.run(sink);
}

Result<std::vector<sync::BoxId>> StoreReplica::wait(Deadline deadline, std::stop_token stop) {
  const auto states = [&]() -> Result<std::map<MailboxId, uint64_t>> {
    TB_ASSIGN(const auto boxes, store_.mailboxes());
    std::map<MailboxId, uint64_t> out;
    for (const MailboxInfo& box : boxes) out.emplace(box.id, box.highestmodseq);
    return out;
  };
  TB_ASSIGN(const auto before, states());
  while (Steady::now() < deadline) {
    if (stop.stop_requested()) return fail(cancelled().error());
    std::this_thread::sleep_until(std::min(deadline, Steady::now() + kLookAgain));
    TB_ASSIGN(const auto now, states());
    std::vector<sync::BoxId> changed;
    for (const auto& [id, modseq] : now) {
      const auto old = before.find(id);
      if (old == before.end() || old->second != modseq) changed.push_back(std::to_string(id));
    }
    if (!changed.empty()) return changed;
  }
  return std::vector<sync::BoxId>();
}

Status StoreReplica::finish(sync::ActionSink& sink, std::stop_token) { return sink.durable(); }

}  // namespace libsync::replicas

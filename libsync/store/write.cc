#include <algorithm>
#include <map>
#include <optional>

#include "libsync/base/words.h"
#include "libsync/store/schema.h"
#include "libsync/store/store_impl.h"
#include "libsync/sync/path.h"

namespace libsync::store {
namespace {

std::unexpected<Error> no_mailbox(MailboxId id) { return fail(Errc::NotFound, say("no folder {}", id)); }
std::unexpected<Error> no_message(MessageId id) { return fail(Errc::NotFound, say("no message {}", id)); }

// Mailbox rows are read once, counted in memory and written back by commit(): a batch of a thousand
// messages updates each of them once.
class WriteImpl final : public Write {
 public:
  WriteImpl(StoreImpl& store, Transaction transaction)
      : store_(store), db_(store.db()), transaction_(std::in_place, std::move(transaction)) {}
  ~WriteImpl() override {
    transaction_.reset();
    if (!committed_) store_.discard_staged();
  }

  Result<MailboxId> create_mailbox(const sync::Path& path, sync::Role role) override;
  Status rename_mailbox(MailboxId id, const sync::Path& path) override;
  Status set_subscribed(MailboxId id, bool subscribed) override;
  Status set_role(MailboxId id, sync::Role role) override;
  Status delete_mailbox(MailboxId id) override;
  Result<Placed> add(MailboxId mailbox, const Staged& staged, const sync::Flags& flags,
                     std::optional<int64_t> date) override;
  Result<Placed> add_known(MailboxId mailbox, ContentId content, const sync::Flags& flags,
                           std::optional<int64_t> date) override;
  Status mend(const Staged& staged) override;
  Status change_flags(MessageId id, const sync::Flags& add, const sync::Flags& remove) override;
  Result<Placed> move(MessageId id, MailboxId to) override;
  Result<Placed> copy(MessageId id, MailboxId to) override;
  Status remove(MessageId id) override;
  Result<Placed> restore(MessageId id, std::optional<MailboxId> to) override;
  Result<MessageId> find(MailboxId mailbox, uint32_t uid) override;
  Result<std::optional<MailboxInfo>> mailbox(MailboxId id) override;
  Status commit() override;

 private:
  struct State {
    MailboxInfo info;
    bool dirty = false;
  };
  struct Placing {
    uint32_t uid;
    uint64_t modseq;
  };
  struct Message {
    MailboxId mailbox;
    uint32_t uid;
    ContentId content;
    sync::Flags flags;
    int64_t date;
    uint64_t size;
    std::string removed_from;
  };

  Result<State*> state(MailboxId id);
  Result<uint32_t> next_uidvalidity();
  Result<Message> message(MessageId id);
  // Counts a message in, with the next uid and modseq of the mailbox.
  Result<Placing> enter(MailboxId id, const sync::Flags& flags, uint64_t size);
  // Counts it out and remembers that it vanished.
  Status leave(const Message& message);
  Result<InsertedContent> content_of(const Staged& staged);
  Result<Placed> insert(MailboxId mailbox, InsertedContent content, uint64_t size, const sync::Flags& flags,
                        int64_t date);
  Status rename_one(MailboxId id, const std::string& path);
  Result<int64_t> removal_time();

  StoreImpl& store_;
  Db& db_;
  std::optional<Transaction> transaction_;
  std::map<MailboxId, State> states_;
  std::optional<int64_t> removal_time_;
  bool committed_ = false;
};

Result<WriteImpl::State*> WriteImpl::state(MailboxId id) {
  if (const auto found = states_.find(id); found != states_.end()) return &found->second;
  TB_ASSIGN(auto s, db_.prepare("SELECT " TB_MAILBOX_COLUMNS " FROM mailbox WHERE id=?"));
  TB_ASSIGN(const bool row, s.bind(id).step());
  if (!row) return no_mailbox(id);
  return &states_.emplace(id, State{.info = read_mailbox(s)}).first->second;
}

Result<std::optional<MailboxInfo>> WriteImpl::mailbox(MailboxId id) {
  auto found = state(id);
  if (!found && found.error().code == Errc::NotFound) return std::nullopt;
  if (!found) return fail(found.error());
  return (*found)->info;
}

// Never the same number twice in a store, and larger than any from before a rebuild.
Result<uint32_t> WriteImpl::next_uidvalidity() {
  TB_ASSIGN(const auto last, store_.meta("uidvalidity"));
  const int64_t now = store_.now();
  // A clock that says what no 32 bits hold (before 1970, after 2106) is wrong, and counts for nothing.
  const uint64_t by_clock = now > 0 && now < UINT32_MAX ? static_cast<uint64_t>(now) : 1;
  const uint64_t next = std::max<uint64_t>(last ? std::stoull(*last) + 1 : 1, by_clock);
  if (next > UINT32_MAX) return fail(Errc::Limit, std::string(word("no UIDVALIDITY is left")));
  TB_TRY(store_.set_meta("uidvalidity", std::to_string(next)));
  return static_cast<uint32_t>(next);
}

Result<MailboxId> WriteImpl::create_mailbox(const sync::Path& path, sync::Role role) {
  TB_TRY(check_path(path));
  TB_ASSIGN(const auto taken, store_.find_mailbox(path));
  if (taken) return fail(Errc::Usage, say("folder {} exists already", sync::encode_path(path)));
  TB_ASSIGN(const uint32_t uidvalidity, next_uidvalidity());
  TB_ASSIGN(auto s, db_.prepare("INSERT INTO mailbox(path, role, subscribed, uidvalidity, uidnext, highestmodseq,"
                                " vanished_floor, messages, unseen, octets) VALUES(?,?,1,?,1,1,0,0,0,0)"));
  TB_TRY(s.bind(sync::encode_path(path), static_cast<int>(role), uidvalidity).run());
  return db_.last_insert_rowid();
}

Status WriteImpl::rename_one(MailboxId id, const std::string& path) {
  if (const auto found = states_.find(id); found != states_.end()) found->second.info.path = sync::decode_path(path);
  TB_ASSIGN(auto s, db_.prepare("UPDATE mailbox SET path=? WHERE id=?"));
  return s.bind(path, id).run();
}

Status WriteImpl::rename_mailbox(MailboxId id, const sync::Path& path) {
  TB_TRY(check_path(path));
  TB_ASSIGN(State * box, state(id));
  const std::string from = sync::encode_path(box->info.path);
  const std::string to = sync::encode_path(path);
  if (from == to) return {};
  if (to.starts_with(from + "/")) return fail(Errc::Usage, std::string(word("a folder can't move below itself")));
  TB_ASSIGN(const auto boxes, store_.mailboxes());
  std::vector<std::pair<MailboxId, std::string>> renames{{id, to}};
  for (const auto& each : boxes) {
    const std::string old = sync::encode_path(each.path);
    if (from != "INBOX" && old.starts_with(from + "/")) renames.emplace_back(each.id, to + old.substr(from.size()));
  }
  for (const auto& [child, name] : renames) {
    TB_TRY(check_path(sync::decode_path(name)));
    for (const auto& each : boxes) {
      if (sync::encode_path(each.path) == name) return fail(Errc::Usage, say("folder {} exists already", name));
    }
  }
  for (const auto& [child, name] : renames) TB_TRY(rename_one(child, name));
  return {};
}

Status WriteImpl::set_subscribed(MailboxId id, bool subscribed) {
  TB_ASSIGN(State * box, state(id));
  box->info.subscribed = subscribed;
  TB_ASSIGN(auto s, db_.prepare("UPDATE mailbox SET subscribed=? WHERE id=?"));
  return s.bind(subscribed ? 1 : 0, id).run();
}

Status WriteImpl::set_role(MailboxId id, sync::Role role) {
  TB_ASSIGN(State * box, state(id));
  box->info.role = role;
  TB_ASSIGN(auto s, db_.prepare("UPDATE mailbox SET role=? WHERE id=?"));
  return s.bind(static_cast<int>(role), id).run();
}

Status WriteImpl::delete_mailbox(MailboxId id) {
  TB_ASSIGN(State * box, state(id));
  if (box->info.messages > 0) {
    return fail(Errc::Refused,
                say("messages are in it: {} in folder {}", box->info.messages, sync::encode_path(box->info.path)));
  }
  states_.erase(id);
  TB_ASSIGN(auto gone, db_.prepare("DELETE FROM vanished WHERE mailbox=?"));
  TB_TRY(gone.bind(id).run());
  TB_ASSIGN(auto s, db_.prepare("DELETE FROM mailbox WHERE id=?"));
  return s.bind(id).run();
}

Result<WriteImpl::Placing> WriteImpl::enter(MailboxId id, const sync::Flags& flags, uint64_t size) {
  TB_ASSIGN(State * box, state(id));
  if (box->info.uidnext == UINT32_MAX) return fail(Errc::Limit, std::string(word("no UID is left in the folder")));
  box->dirty = true;
  ++box->info.messages;
  if ((flags.system & sync::kSeen) == 0) ++box->info.unseen;
  box->info.octets += size;
  return Placing{.uid = box->info.uidnext++, .modseq = ++box->info.highestmodseq};
}

Status WriteImpl::leave(const Message& message) {
  TB_ASSIGN(State * box, state(message.mailbox));
  box->dirty = true;
  --box->info.messages;
  if ((message.flags.system & sync::kSeen) == 0) --box->info.unseen;
  box->info.octets -= message.size;
  TB_ASSIGN(auto s, db_.prepare("INSERT INTO vanished(mailbox, modseq, uid) VALUES(?,?,?)"));
  return s.bind(message.mailbox, ++box->info.highestmodseq, message.uid).run();
}

Result<WriteImpl::Message> WriteImpl::message(MessageId id) {
  TB_ASSIGN(auto s, db_.prepare("SELECT m.mailbox, m.uid, m.content, m.flags, m.keywords, m.internaldate, c.size,"
                                " m.removed_from FROM message m JOIN content c ON c.id=m.content WHERE m.id=?"));
  TB_ASSIGN(const bool row, s.bind(id).step());
  if (!row) return no_message(id);
  return Message{.mailbox = s.integer(0),
                 .uid = static_cast<uint32_t>(s.integer(1)),
                 .content = s.integer(2),
                 .flags = read_flags(s.integer(3), s.text(4)),
                 .date = s.integer(5),
                 .size = static_cast<uint64_t>(s.integer(6)),
                 .removed_from = std::string(s.text(7))};
}

Result<Write::Placed> WriteImpl::insert(MailboxId mailbox, InsertedContent content, uint64_t size,
                                        const sync::Flags& flags, int64_t date) {
  TB_ASSIGN(const Placing placing, enter(mailbox, flags, size));
  TB_ASSIGN(auto s, db_.prepare("INSERT INTO message(mailbox, uid, modseq, content, flags, keywords, internaldate,"
                                " saved) VALUES(?,?,?,?,?,?,?,?)"));
  s.bind(mailbox, placing.uid, placing.modseq, content.id, flags.system);
  if (flags.keywords.empty()) {
    s.bind_at(5, nullptr);
  } else {
    s.bind_at(5, join_keywords(flags));
  }
  s.bind_at(6, date);
  s.bind_at(7, store_.now());
  TB_TRY(s.run());
  const MessageId id = db_.last_insert_rowid();
  if (!content.fresh) {
    TB_ASSIGN(auto claim, db_.prepare("UPDATE content SET idle_since=NULL WHERE id=? AND idle_since IS NOT NULL"));
    TB_TRY(claim.bind(content.id).run());
  }
  return Placed{.id = id, .uid = placing.uid};
}

Result<InsertedContent> WriteImpl::content_of(const Staged& staged) {
  if (!staged.known) {
    return insert_content(db_, {.sha256 = staged.sha256,
                                .place = {.segment = staged.segment,
                                          .offset = staged.offset,
                                          .stored = staged.stored,
                                          .codec = static_cast<Codec>(staged.codec)},
                                .size = staged.size,
                                .print = staged.print,
                                .envelope = &staged.envelope,
                                .repoint = true});
  }
  TB_ASSIGN(const auto row, content_row(db_, staged.sha256));
  if (row) return InsertedContent{.id = row->id};
  return fail(
      Error{.code = Errc::Busy, .what = std::string(word("the content was compacted away meanwhile")), .retry = true});
}

Status WriteImpl::mend(const Staged& staged) {
  TB_ASSIGN(const auto row, content_row(db_, staged.sha256));
  if (!row) return fail(Errc::NotFound, std::string(word("its octets are not in the store")));
  TB_ASSIGN(const InsertedContent content, content_of(staged));
  return forget_damage(db_, content.id);  // known and whole: it was not damaged after all
}

Result<Write::Placed> WriteImpl::add(MailboxId mailbox, const Staged& staged, const sync::Flags& flags,
                                     std::optional<int64_t> date) {
  TB_TRY(state(mailbox));
  TB_ASSIGN(const InsertedContent content, content_of(staged));
  return insert(mailbox, content, staged.size, flags, date.value_or(staged.envelope.date.value_or(store_.now())));
}

Result<Write::Placed> WriteImpl::add_known(MailboxId mailbox, ContentId content, const sync::Flags& flags,
                                           std::optional<int64_t> date) {
  TB_TRY(state(mailbox));
  TB_ASSIGN(auto s, db_.prepare("SELECT size, date FROM content WHERE id=?"));
  TB_ASSIGN(const bool row, s.bind(content).step());
  if (!row) return fail(Errc::NotFound, say("no content {}", content));
  const int64_t written = s.is_null(1) ? store_.now() : s.integer(1);
  return insert(mailbox, {.id = content}, static_cast<uint64_t>(s.integer(0)), flags, date.value_or(written));
}

Status WriteImpl::change_flags(MessageId id, const sync::Flags& add, const sync::Flags& remove) {
  TB_ASSIGN(const Message old, message(id));
  sync::Flags flags{.system = (old.flags.system & ~remove.system) | add.system};
  const auto names = [](const sync::Flags& in, const std::string& keyword) {
    sync::Flags with = in;
    with.add_keyword(keyword);
    return with.keywords.size() == in.keywords.size();
  };
  for (const auto& keyword : old.flags.keywords) {
    if (!names(remove, keyword)) flags.add_keyword(keyword);
  }
  for (const auto& keyword : add.keywords) flags.add_keyword(keyword);
  if (flags == old.flags) return {};
  int64_t modseq = 0;
  if (old.mailbox != 0) {
    TB_ASSIGN(State * box, state(old.mailbox));
    box->dirty = true;
    modseq = static_cast<int64_t>(++box->info.highestmodseq);
    if ((flags.system & sync::kSeen) != 0 && (old.flags.system & sync::kSeen) == 0) --box->info.unseen;
    if ((flags.system & sync::kSeen) == 0 && (old.flags.system & sync::kSeen) != 0) ++box->info.unseen;
  }
  TB_ASSIGN(auto s, db_.prepare("UPDATE message SET flags=?, keywords=?, modseq=? WHERE id=?"));
  s.bind(flags.system);
  if (flags.keywords.empty()) {
    s.bind_at(1, nullptr);
  } else {
    s.bind_at(1, join_keywords(flags));
  }
  s.bind_at(2, modseq);
  s.bind_at(3, id);
  return s.run();
}

Result<Write::Placed> WriteImpl::move(MessageId id, MailboxId to) {
  TB_ASSIGN(const Message old, message(id));
  if (old.mailbox == 0) return restore(id, to);
  if (old.mailbox == to) return Placed{.id = id, .uid = old.uid};
  TB_ASSIGN(const Placing placing, enter(to, old.flags, old.size));
  TB_TRY(leave(old));
  TB_ASSIGN(auto s, db_.prepare("UPDATE message SET mailbox=?, uid=?, modseq=?, saved=? WHERE id=?"));
  TB_TRY(s.bind(to, placing.uid, placing.modseq, store_.now(), id).run());
  return Placed{.id = id, .uid = placing.uid};
}

Result<Write::Placed> WriteImpl::copy(MessageId id, MailboxId to) {
  TB_ASSIGN(const Message old, message(id));
  return insert(to, {.id = old.content}, old.size, old.flags, old.date);
}

Status WriteImpl::remove(MessageId id) {
  TB_ASSIGN(const Message old, message(id));
  if (old.mailbox == 0) return no_message(id);
  TB_TRY(leave(old));
  TB_ASSIGN(State * box, state(old.mailbox));
  TB_ASSIGN(auto s, db_.prepare("UPDATE message SET mailbox=NULL, uid=NULL, removed_at=?, removed_from=? WHERE id=?"));
  TB_ASSIGN(const int64_t when, removal_time());
  return s.bind(when, sync::encode_path(box->info.path), id).run();
}

// A clock that was set back must not end the time in the quarantine before it has begun: a removal is not older than
// the last sync.
Result<int64_t> WriteImpl::removal_time() {
  if (!removal_time_) {
    TB_ASSIGN(const auto last, store_.runs(1));
    removal_time_ = last.empty() ? store_.now() : std::max(store_.now(), last.front().started);
  }
  return *removal_time_;
}

Result<Write::Placed> WriteImpl::restore(MessageId id, std::optional<MailboxId> to) {
  TB_ASSIGN(const Message old, message(id));
  if (old.mailbox != 0) return fail(Errc::Usage, say("message {} is not removed", id));
  if (!to) {
    const sync::Path path = sync::decode_path(old.removed_from);
    TB_ASSIGN(const auto box, store_.find_mailbox(path));
    if (box) {
      to = box->id;
    } else {
      TB_ASSIGN(to, create_mailbox(path, sync::Role::None));
    }
  }
  TB_ASSIGN(const Placing placing, enter(*to, old.flags, old.size));
  TB_ASSIGN(auto s, db_.prepare("UPDATE message SET mailbox=?, uid=?, modseq=?, saved=?, removed_at=NULL,"
                                " removed_from=NULL WHERE id=?"));
  TB_TRY(s.bind(*to, placing.uid, placing.modseq, store_.now(), id).run());
  return Placed{.id = id, .uid = placing.uid};
}

Result<MessageId> WriteImpl::find(MailboxId mailbox, uint32_t uid) {
  TB_ASSIGN(auto s, db_.prepare("SELECT id FROM message WHERE mailbox=? AND uid=?"));
  TB_ASSIGN(const bool row, s.bind(mailbox, uid).step());
  return row ? s.integer(0) : 0;
}

Status WriteImpl::commit() {
  for (auto& [id, box] : states_) {
    if (!box.dirty) continue;
    TB_ASSIGN(auto s, db_.prepare("UPDATE mailbox SET uidnext=?, highestmodseq=?, messages=?, unseen=?, octets=?"
                                  " WHERE id=?"));
    const MailboxInfo& info = box.info;
    TB_TRY(s.bind(info.uidnext, info.highestmodseq, info.messages, info.unseen, info.octets, id).run());
    box.dirty = false;
  }
  if (auto done = transaction_->commit(); !done) {
    // What a failed COMMIT left in the write-ahead log may come back at the next recovery: the octets it
    // would point at stay where they are.
    store_.contents().abandon();
    return done;
  }
  committed_ = true;
  store_.after_commit();
  return {};
}

}  // namespace

std::unique_ptr<Write> make_write(StoreImpl& store, Transaction transaction) {
  return std::make_unique<WriteImpl>(store, std::move(transaction));
}

}  // namespace libsync::store

// Opening and reading; store_mail_write.cc changes.
#include "libsync/server/store_mail.h"

#include <algorithm>

#include "libsync/base/words.h"
#include "libsync/server/mail_rules.h"
#include "libsync/server/store_rows.h"
#include "libsync/store/mail_text.h"
#include "libsync/store/rows.h"

namespace libsync::server {
namespace {

using store::Db;
using store::MailboxInfo;
using store::Statement;
using store::Transaction;

Folder folder_of(const MailboxInfo& box) {
  return {.id = box.id,
          .path = box.path,
          .role = box.role,
          .subscribed = box.subscribed,
          .uidvalidity = box.uidvalidity,
          .uidnext = box.uidnext,
          .highestmodseq = box.highestmodseq,
          .messages = box.messages,
          .unseen = box.unseen,
          .octets = box.octets};
}

// Without gaps the two ends and the count tell all, else the index has them in order.
Status read_uids(Db& db, const MailboxInfo& box, imap::SequenceSet& uids) {
  if (box.messages == 0) return {};
  {
    TB_ASSIGN(auto ends, db.prepare("SELECT (SELECT min(uid) FROM message WHERE mailbox=?1),"
                                    " (SELECT max(uid) FROM message WHERE mailbox=?1)"));
    TB_TRY(ends.bind(box.id).step());
    const auto first = static_cast<uint32_t>(ends.integer(0)), last = static_cast<uint32_t>(ends.integer(1));
    if (first == 0) return {};  // it counts more than it has: verify tells
    if (uint64_t{last} - first + 1 == box.messages) {
      uids.add(first, last);
      return {};
    }
  }
  TB_ASSIGN(auto s, db.prepare("SELECT uid FROM message WHERE mailbox=? ORDER BY uid"));
  s.bind(box.id);
  while (true) {
    TB_ASSIGN(const bool row, s.step());
    if (!row) return {};
    uids.add(static_cast<uint32_t>(s.integer(0)));
  }
}

// From one text of keywords to the next one, whatever lies between: as many steps as there are different ones.
Result<std::vector<std::string>> read_keywords(Db& db, FolderId folder) {
  sync::Flags all;
  std::string last;
  TB_ASSIGN(auto s,
            db.prepare("SELECT keywords FROM message WHERE mailbox=? AND keywords>? ORDER BY keywords LIMIT 1"));
  while (true) {
    TB_ASSIGN(const bool row, s.bind(folder, last).step());
    if (!row) return std::move(all.keywords);
    last = s.text(0);
    s.reset();
    for (const std::string& keyword : store::read_flags(0, last).keywords) all.add_keyword(keyword);
  }
}

MessageRow flags_row(const Statement& s) {
  return {.uid = static_cast<uint32_t>(s.integer(0)),
          .modseq = static_cast<uint64_t>(s.integer(1)),
          .flags = store::read_flags(s.integer(2), s.text(3))};
}

Result<std::vector<MessageRow>> read_changed(Db& db, FolderId folder, uint64_t since) {
  std::vector<MessageRow> rows;
  TB_ASSIGN(auto s, db.prepare("SELECT uid, modseq, flags, keywords FROM message WHERE mailbox=? AND modseq>?"));
  s.bind(folder, since);
  while (true) {
    TB_ASSIGN(const bool row, s.step());
    if (!row) break;
    rows.push_back(flags_row(s));
  }
  std::ranges::sort(rows, {}, &MessageRow::uid);
  return rows;
}

Status read_vanished(Db& db, FolderId folder, uint64_t since, imap::SequenceSet& vanished) {
  TB_ASSIGN(auto s, db.prepare("SELECT uid FROM vanished WHERE mailbox=? AND modseq>?"));
  s.bind(folder, since);
  while (true) {
    TB_ASSIGN(const bool row, s.step());
    if (!row) return {};
    vanished.add(static_cast<uint32_t>(s.integer(0)));
  }
}

Result<uint64_t> vanished_floor(Db& db, FolderId folder) {
  TB_ASSIGN(auto s, db.prepare("SELECT vanished_floor FROM mailbox WHERE id=?"));
  TB_TRY(s.bind(folder).step());
  return static_cast<uint64_t>(s.integer(0));
}

// What the store keeps of a field it cuts, between characters of up to four bytes.
std::optional<std::string_view> whole(std::string_view text) {
  return text.size() > store::kMaxColumnBytes - 4 ? std::nullopt : std::optional(text);
}

#define ROWS_WHERE " WHERE m.mailbox=?1 AND m.uid BETWEEN ?2 AND ?3 ORDER BY m.uid"
#define FACTS "SELECT m.uid, m.modseq, m.flags, m.keywords, m.internaldate, m.saved, c.size, c.id, c.sha256"
#define FACTS_FROM " FROM message m CROSS JOIN content c ON c.id=m.content" ROWS_WHERE

std::string_view select_for(Want want) {
  switch (want) {
    case Want::Flags:
      return "SELECT m.uid, m.modseq, m.flags, m.keywords FROM message m" ROWS_WHERE;
    case Want::Facts:
      return FACTS FACTS_FROM;
    case Want::Columns:
      break;
  }
  return FACTS ", c.subject, c.sender, c.recipients, c.cc" FACTS_FROM;
}

MessageRow facts_row(const Statement& s) {
  MessageRow row = flags_row(s);
  row.date = s.integer(4);
  if (!s.is_null(5)) row.saved = s.integer(5);
  row.size = static_cast<uint64_t>(s.integer(6));
  row.content = s.integer(7);
  row.digest = store::digest_of(s.text(8));
  return row;
}

Columns columns_of(const Statement& s) {
  return {.subject = whole(s.text(9)), .from = whole(s.text(10)), .to = whole(s.text(11)), .cc = whole(s.text(12))};
}

}  // namespace

Result<std::shared_ptr<StoreMail>> StoreMail::open(const std::string& directory, const StoreMailOptions& options) {
  store::StoreOptions store{.mode = store::StoreMode::ReadOnly, .clock = options.clock, .busy_ms = options.busy_ms};
  if (options.writable != Writable::Nothing) store.mode = store::StoreMode::ReadWrite;
  const bool create = options.create && options.writable == Writable::All;
  if (create) store.mode = store::StoreMode::Create;
  TB_ASSIGN(auto pool, StorePool::open(directory, store, std::max<size_t>(options.readers, 1)));
  std::shared_ptr<StoreMail> mail(new StoreMail(directory, options, std::move(pool)));
  if (create) TB_TRY(mail->make_inbox());
  return mail;
}

Status StoreMail::make_inbox() {
  TB_ASSIGN(const auto store, pool_->writer());
  TB_ASSIGN(const auto write, store->begin());
  TB_ASSIGN(const auto there, store->find_mailbox({"INBOX"}));
  if (there) return {};
  TB_TRY(write->create_mailbox({"INBOX"}, sync::Role::Inbox));
  return commit(*write);
}

int64_t StoreMail::now() const {
  return options_.clock != nullptr ? options_.clock->unix_seconds() : system_clock_.unix_seconds();
}

Status StoreMail::look_for_changes() {
  TB_ASSIGN(const bool changed, pool_->others_wrote());
  if (changed) Mail::changed();
  return {};
}

Result<std::vector<Folder>> StoreMail::folders() {
  TB_ASSIGN(const auto store, pool_->reader());
  TB_ASSIGN(const auto boxes, store->mailboxes());
  std::vector<Folder> out;
  out.reserve(boxes.size());
  for (const MailboxInfo& box : boxes) out.push_back(folder_of(box));
  return out;
}

Result<std::optional<Folder>> StoreMail::folder(FolderId id) {
  TB_ASSIGN(const auto store, pool_->reader());
  TB_ASSIGN(const auto box, store->mailbox(id));
  if (!box) return std::nullopt;
  return folder_of(*box);
}

Result<std::optional<Mail::View>> StoreMail::view(FolderId id) {
  TB_ASSIGN(const auto store, pool_->reader());
  TB_ASSIGN(const auto moment, Transaction::begin_deferred(store->db()));
  TB_ASSIGN(const auto box, store->mailbox(id));
  if (!box) return std::nullopt;
  View out{.folder = folder_of(*box)};
  TB_TRY(read_uids(store->db(), *box, out.uids));
  TB_ASSIGN(out.keywords, read_keywords(store->db(), id));
  return out;
}

Result<std::optional<Mail::Changes>> StoreMail::changes(FolderId id, uint64_t since) {
  TB_ASSIGN(const auto store, pool_->reader());
  Db& db = store->db();
  TB_ASSIGN(const auto moment, Transaction::begin_deferred(db));
  TB_ASSIGN(const auto box, store->mailbox(id));
  if (!box) return std::nullopt;
  Changes out{.folder = folder_of(*box)};
  if (since == box->highestmodseq) return out;
  TB_ASSIGN(const uint64_t floor, vanished_floor(db, id));
  // A number of the future is one of another time: of before a backup was put back.
  out.whole = since >= floor && since <= box->highestmodseq;
  TB_ASSIGN(out.rows, read_changed(db, id, since > box->highestmodseq ? 0 : since));
  TB_TRY(out.whole ? read_vanished(db, id, since, out.vanished) : read_uids(db, *box, out.uids));
  return out;
}

Status StoreMail::rows(FolderId id, const imap::SequenceSet& uids, Want want, const Visit& visit) {
  TB_ASSIGN(const auto store, pool_->reader());
  TB_ASSIGN(const auto moment, Transaction::begin_deferred(store->db()));
  TB_ASSIGN(const auto box, store->mailbox(id));
  if (!box) return no_such_folder();
  return select_in(store->db(), select_for(want), id, uids, [&](const Statement& s) {
    return visit(want == Want::Flags ? flags_row(s) : facts_row(s), want == Want::Columns ? columns_of(s) : Columns{});
  });
}

Result<std::string> StoreMail::read(ContentId content, uint64_t offset, uint64_t most) {
  TB_ASSIGN(const auto store, pool_->reader());
  auto octets = store->range(content, offset, most);
  if (octets) return octets;
  if (octets.error().code == Errc::NotFound) return fail(Errc::NotFound, std::string(word("the message is gone")));
  // What is found damaged is noted when it is asked for, or when the Store goes, which may be in weeks.
  (void)store->damaged_contents();
  return octets;
}

}  // namespace libsync::server

// What changes mail: each call one transaction, in turn with all others of the process.
#include <algorithm>

#include "libsync/base/words.h"
#include "libsync/server/incoming_spool.h"
#include "libsync/server/mail_rules.h"
#include "libsync/server/store_mail.h"
#include "libsync/server/store_rows.h"
#include "libsync/store/edit.h"
#include "libsync/store/schema.h"

namespace libsync::server {
namespace {

using store::MailboxInfo;
using store::Staged;
using store::Write;

Result<MailboxInfo> folder_in(Write& write, FolderId id) {
  TB_ASSIGN(auto box, write.mailbox(id));
  if (!box) return no_such_folder();
  return *std::move(box);
}

// One of the two is synced with the server and the other is not.
std::unexpected<Error> no_move() {
  return fail(Errc::Refused, say("the server would not hear of this move: copy the messages instead"));
}

}  // namespace

Status StoreMail::commit(Write& write) {
  TB_TRY(write.commit());
  Mail::changed();
  return {};
}

// --- folders ---

Result<FolderId> StoreMail::create_folder(const sync::Path& path, sync::Role role) {
  TB_TRY(require_writable(writable_in(path), Writable::All));
  TB_TRY(store::check_path(path));
  TB_ASSIGN(const auto store, pool_->writer());
  TB_ASSIGN(const auto write, store->begin());
  TB_ASSIGN(const auto taken, store->find_mailbox(path));
  if (taken) return folder_exists(path);
  TB_ASSIGN(const FolderId id, write->create_mailbox(path, role));
  TB_TRY(commit(*write));
  return id;
}

Status StoreMail::rename_folder(FolderId id, const sync::Path& path) {
  TB_TRY(require_writable(writable(), Writable::All));
  TB_TRY(store::check_path(path));
  TB_ASSIGN(const auto store, pool_->writer());
  TB_ASSIGN(const auto write, store->begin());
  TB_ASSIGN(const MailboxInfo box, folder_in(*write, id));
  TB_TRY(require_writable(std::min(writable_in(box.path), writable_in(path)), Writable::All));
  TB_ASSIGN(const auto boxes, store->mailboxes());
  if (const auto taken = store::name_in_the_way(boxes, box.path, path)) return folder_exists(*taken);
  TB_TRY(write->rename_mailbox(id, path));
  return commit(*write);
}

Status StoreMail::delete_folder(FolderId id) {
  TB_TRY(require_writable(writable(), Writable::All));
  TB_ASSIGN(const auto store, pool_->writer());
  TB_ASSIGN(const auto write, store->begin());
  TB_ASSIGN(const MailboxInfo box, folder_in(*write, id));
  TB_TRY(require_writable(writable_in(box.path), Writable::All));
  TB_TRY(store::remove_all(*store, *write, id));
  TB_TRY(write->delete_mailbox(id));
  return commit(*write);
}

Status StoreMail::subscribe(FolderId id, bool subscribed) {
  TB_TRY(require_writable(writable(), Writable::All));
  TB_ASSIGN(const auto store, pool_->writer());
  TB_ASSIGN(const auto write, store->begin());
  TB_ASSIGN(const MailboxInfo box, folder_in(*write, id));
  TB_TRY(require_writable(writable_in(box.path), Writable::All));
  TB_TRY(write->set_subscribed(id, subscribed));
  return commit(*write);
}

// --- messages ---

Result<Mail::Stored> StoreMail::change_flags(FolderId id, const imap::SequenceSet& uids, FlagChange change,
                                             const sync::Flags& flags, std::optional<uint64_t> unchanged_since) {
  TB_TRY(require_writable(writable(), Writable::Flags));
  TB_ASSIGN(const auto store, pool_->writer());
  TB_ASSIGN(const auto write, store->begin());
  TB_ASSIGN(const MailboxInfo before, folder_in(*write, id));
  TB_TRY(require_writable(writable_in(before.path), Writable::Flags));
  TB_ASSIGN(const auto messages, find_in(store->db(), id, uids));
  Stored out;
  bool changed = false;
  for (const Found& message : messages) {
    if (unchanged_since && message.modseq > *unchanged_since) {
      out.modified.add(message.uid);
      continue;
    }
    MessageRow row{.uid = message.uid, .modseq = message.modseq, .flags = message.flags};
    sync::Flags wanted = changed_flags(message.flags, change, flags);
    if (!(wanted == message.flags)) {
      TB_TRY(write->change_flags(message.id, wanted, message.flags));
      TB_ASSIGN(const MailboxInfo box, folder_in(*write, id));
      row.modseq = box.highestmodseq;
      row.flags = std::move(wanted);
      changed = true;
    }
    out.rows.push_back(std::move(row));
  }
  if (changed) TB_TRY(commit(*write));
  return out;
}

Result<std::unique_ptr<Incoming>> StoreMail::incoming() {
  TB_TRY(require_writable(writable(), Writable::All));
  return std::make_unique<IncomingSpool>(directory_);
}

Result<Mail::Placed> StoreMail::append(FolderId id, std::span<NewMessage> messages) {
  TB_TRY(require_writable(writable(), Writable::All));
  TB_ASSIGN(const auto store, pool_->writer());
  TB_ASSIGN(const auto there, store->mailbox(id));
  if (!there) return no_such_folder();
  TB_TRY(require_writable(writable_in(there->path), Writable::All));
  std::vector<Staged> staged;
  for (const NewMessage& message : messages) {
    const auto* spool = dynamic_cast<const IncomingSpool*>(message.octets.get());
    Result<Staged> one = fail(Errc::Internal, "a message that did not come through incoming()");
    if (spool != nullptr) {
      IncomingSpool::Source source(*spool);
      one = store->stage(source);
    }
    if (!one) {
      store->discard_staged();
      return fail(std::move(one.error()));
    }
    staged.push_back(*std::move(one));
  }
  TB_ASSIGN(const auto write, store->begin());
  TB_ASSIGN(const MailboxInfo box, folder_in(*write, id));
  Placed out{.uidvalidity = box.uidvalidity};
  for (size_t i = 0; i < staged.size(); ++i) {
    TB_ASSIGN(const auto placed, write->add(id, staged[i], messages[i].flags, messages[i].date.value_or(now())));
    out.uids.push_back(placed.uid);
  }
  if (!staged.empty()) TB_TRY(commit(*write));
  return out;
}

Result<Mail::Copied> StoreMail::place(FolderId from, const imap::SequenceSet& uids, FolderId to, bool keep) {
  TB_TRY(require_writable(writable(), Writable::All));
  TB_ASSIGN(const auto store, pool_->writer());
  TB_ASSIGN(const auto write, store->begin());
  TB_ASSIGN(const MailboxInfo source, folder_in(*write, from));
  TB_ASSIGN(const MailboxInfo target, folder_in(*write, to));
  TB_TRY(require_writable(keep ? Writable::All : writable_in(source.path), Writable::All));
  TB_TRY(require_writable(writable_in(target.path), Writable::All));
  if (!keep && options_.may_move && !options_.may_move(source.path, target.path)) return no_move();
  TB_ASSIGN(const auto messages, find_in(store->db(), from, uids));
  Copied out{.uidvalidity = target.uidvalidity};
  for (const Found& message : messages) {
    // Within one folder a move gives a new UID, which Write::move() does not.
    const bool copies = keep || from == to;
    TB_ASSIGN(const auto placed, copies ? write->copy(message.id, to) : write->move(message.id, to));
    if (copies && !keep) TB_TRY(write->remove(message.id));
    out.uids.emplace_back(message.uid, placed.uid);
  }
  if (!messages.empty()) TB_TRY(commit(*write));
  return out;
}

Result<Mail::Copied> StoreMail::copy(FolderId from, const imap::SequenceSet& uids, FolderId to) {
  return place(from, uids, to, true);
}

Result<Mail::Copied> StoreMail::move(FolderId from, const imap::SequenceSet& uids, FolderId to) {
  return place(from, uids, to, false);
}

Result<imap::SequenceSet> StoreMail::expunge(FolderId id, const imap::SequenceSet& uids) {
  TB_TRY(require_writable(writable(), Writable::All));
  TB_ASSIGN(const auto store, pool_->writer());
  TB_ASSIGN(const auto write, store->begin());
  TB_ASSIGN(const MailboxInfo box, folder_in(*write, id));
  TB_TRY(require_writable(writable_in(box.path), Writable::All));
  TB_ASSIGN(const auto messages, find_in(store->db(), id, uids));
  imap::SequenceSet gone;
  for (const Found& message : messages) {
    if ((message.flags.system & sync::kDeleted) == 0) continue;
    TB_TRY(write->remove(message.id));
    gone.add(message.uid);
  }
  if (!gone.empty()) TB_TRY(commit(*write));
  return gone;
}

}  // namespace libsync::server

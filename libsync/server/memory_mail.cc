#include "libsync/server/memory_mail.h"

#include <algorithm>
#include <tuple>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/mime/envelope.h"
#include "libsync/server/mail_rules.h"
#include "libsync/store/mail_text.h"
#include "libsync/sync/path.h"

namespace libsync::server {
namespace {

class MemoryIncoming final : public Incoming {
 public:
  Status data(std::string_view octets) override {
    octets_ += octets;
    return {};
  }
  std::string take() { return std::move(octets_); }

 private:
  std::string octets_;
};

// Those of a map by UID that are in the set: it is as cheap for 1:4294967295 as for what is there.
template <class Map, class Do>
void for_each_in(Map& messages, const imap::SequenceSet& uids, const Do& act) {
  for (const auto& range : uids.ranges()) {
    for (auto at = messages.lower_bound(range.first); at != messages.end() && at->first <= range.last;) {
      if (!act(at++)) return;
    }
  }
}

std::optional<std::string_view> view_of(const std::optional<std::string>& text) {
  return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

}  // namespace

MemoryMail::MemoryMail(MemoryMailOptions options) : options_(options) {}

int64_t MemoryMail::now() const {
  return options_.clock != nullptr ? options_.clock->unix_seconds() : system_clock_.unix_seconds();
}

MemoryMail::Box* MemoryMail::box(FolderId id) {
  const auto found = boxes_.find(id);
  return found == boxes_.end() ? nullptr : &found->second;
}

bool MemoryMail::taken(const sync::Path& path) const {
  return std::ranges::any_of(boxes_, [&](const auto& entry) { return entry.second.path == path; });
}

FolderId MemoryMail::make(const sync::Path& path, sync::Role role) {
  const int64_t clock = std::clamp<int64_t>(now(), 1, UINT32_MAX / 2);
  last_uidvalidity_ = std::max(last_uidvalidity_ + 1, static_cast<uint32_t>(clock));
  boxes_[++last_folder_] = Box{.path = path, .role = role, .uidvalidity = last_uidvalidity_};
  changed();
  return last_folder_;
}

std::shared_ptr<const MemoryMail::Content> MemoryMail::content_of(std::string octets) {
  const Sha256Digest digest = sha256(octets);
  if (auto known = by_digest_[digest].lock()) return known;
  const mime::Envelope envelope = mime::parse_envelope(store::header_of(octets), converters_);
  const auto column = [](std::string text) {
    return text.size() > store::kMaxColumnBytes ? std::nullopt : std::optional(std::move(text));
  };
  auto content = std::make_shared<const Content>(Content{.id = ++last_content_,
                                                         .octets = std::move(octets),
                                                         .digest = digest,
                                                         .subject = column(envelope.subject),
                                                         .from = column(mime::display(envelope.from)),
                                                         .to = column(mime::display(envelope.to)),
                                                         .cc = column(mime::display(envelope.cc))});
  contents_[content->id] = content;
  by_digest_[digest] = content;
  return content;
}

uint32_t MemoryMail::insert(Box& box, Message message) {
  message.modseq = ++box.modseq;
  message.saved = now();
  box.messages.emplace_hint(box.messages.end(), box.uidnext, std::move(message));
  return box.uidnext++;
}

void MemoryMail::erase(Box& box, std::map<uint32_t, Message>::iterator at) {
  box.vanished.emplace_back(++box.modseq, at->first);
  box.messages.erase(at);
  for (; box.vanished.size() > options_.max_vanished; box.vanished.pop_front()) {
    box.vanished_floor = box.vanished.front().first;
  }
}

bool MemoryMail::room_for(const Box& box, uint64_t messages) const { return messages < UINT32_MAX - box.uidnext; }

Folder MemoryMail::facts(FolderId id, const Box& box) {
  Folder folder{.id = id,
                .path = box.path,
                .role = box.role,
                .subscribed = box.subscribed,
                .uidvalidity = box.uidvalidity,
                .uidnext = box.uidnext,
                .highestmodseq = box.modseq,
                .messages = box.messages.size()};
  for (const auto& [uid, message] : box.messages) {
    if ((message.flags.system & sync::kSeen) == 0) ++folder.unseen;
    folder.octets += message.content->octets.size();
  }
  return folder;
}

MessageRow MemoryMail::flags_row(uint32_t uid, const Message& message) {
  return {.uid = uid, .modseq = message.modseq, .flags = message.flags};
}

// --- another program at work ---

FolderId MemoryMail::make_folder(const sync::Path& path, sync::Role role) {
  const std::scoped_lock lock(mutex_);
  return make(path, role);
}

uint32_t MemoryMail::put(FolderId folder, std::string octets, sync::Flags flags, std::optional<int64_t> date) {
  const std::scoped_lock lock(mutex_);
  Message message{.flags = std::move(flags), .date = date.value_or(now()), .content = content_of(std::move(octets))};
  const uint32_t uid = insert(boxes_.at(folder), std::move(message));
  changed();
  return uid;
}

void MemoryMail::set_flags(FolderId folder, uint32_t uid, const sync::Flags& flags) {
  const std::scoped_lock lock(mutex_);
  Box& in = boxes_.at(folder);
  Message& message = in.messages.at(uid);
  message.flags = flags;
  message.modseq = ++in.modseq;
  changed();
}

void MemoryMail::remove(FolderId folder, uint32_t uid) {
  const std::scoped_lock lock(mutex_);
  Box& in = boxes_.at(folder);
  if (const auto at = in.messages.find(uid); at != in.messages.end()) erase(in, at);
  changed();
}

void MemoryMail::renumber(FolderId folder) {
  const std::scoped_lock lock(mutex_);
  Box& in = boxes_.at(folder);
  const auto messages = std::exchange(in.messages, {});
  in.vanished.clear();
  in.vanished_floor = 0;
  in.uidvalidity = ++last_uidvalidity_;
  in.uidnext = 1;
  for (const auto& [uid, message] : messages) insert(in, message);
  changed();
}

// --- folders ---

Result<std::vector<Folder>> MemoryMail::folders() {
  const std::scoped_lock lock(mutex_);
  std::vector<Folder> out;
  for (const auto& [id, box] : boxes_) out.push_back(facts(id, box));
  std::ranges::sort(out, {}, [](const Folder& folder) {
    const std::string name = sync::encode_path(folder.path);
    return std::tuple(name != "INBOX", to_lower(name), name);
  });
  return out;
}

Result<std::optional<Folder>> MemoryMail::folder(FolderId id) {
  const std::scoped_lock lock(mutex_);
  const Box* found = box(id);
  return found == nullptr ? std::nullopt : std::optional(facts(id, *found));
}

Result<FolderId> MemoryMail::create_folder(const sync::Path& path, sync::Role role) {
  TB_TRY(require_writable(writable(), Writable::All));
  TB_TRY(store::check_path(path));
  const std::scoped_lock lock(mutex_);
  if (taken(path)) return folder_exists(path);
  return make(path, role);
}

Status MemoryMail::rename_folder(FolderId id, const sync::Path& path) {
  TB_TRY(require_writable(writable(), Writable::All));
  TB_TRY(store::check_path(path));
  const std::scoped_lock lock(mutex_);
  const Box* found = box(id);
  if (found == nullptr) return no_such_folder();
  const sync::Path old = found->path;
  if (sync::has_prefix(path, old)) return fail(Errc::Usage, std::string(word("a folder can't move below itself")));
  std::map<FolderId, sync::Path> renamed{{id, path}};
  for (const auto& [each, box] : boxes_) {
    if (!sync::has_prefix(box.path, old) || old == sync::Path{"INBOX"}) continue;
    sync::Path to = path;
    to.insert(to.end(), box.path.begin() + static_cast<std::ptrdiff_t>(old.size()), box.path.end());
    renamed.emplace(each, std::move(to));
  }
  for (const auto& [each, to] : renamed) {
    TB_TRY(store::check_path(to));
    if (taken(to)) return folder_exists(to);
  }
  for (const auto& [each, to] : renamed) boxes_[each].path = to;
  changed();
  return {};
}

Status MemoryMail::delete_folder(FolderId id) {
  TB_TRY(require_writable(writable(), Writable::All));
  const std::scoped_lock lock(mutex_);
  if (boxes_.erase(id) == 0) return no_such_folder();
  changed();
  return {};
}

Status MemoryMail::subscribe(FolderId id, bool subscribed) {
  TB_TRY(require_writable(writable(), Writable::All));
  const std::scoped_lock lock(mutex_);
  Box* found = box(id);
  if (found == nullptr) return no_such_folder();
  found->subscribed = subscribed;
  changed();
  return {};
}

// --- messages ---

Result<std::optional<Mail::View>> MemoryMail::view(FolderId id) {
  const std::scoped_lock lock(mutex_);
  const Box* found = box(id);
  if (found == nullptr) return std::nullopt;
  View out{.folder = facts(id, *found)};
  sync::Flags all;
  for (const auto& [uid, message] : found->messages) {
    out.uids.add(uid);
    for (const std::string& keyword : message.flags.keywords) all.add_keyword(keyword);
  }
  out.keywords = std::move(all.keywords);
  return out;
}

Result<std::optional<Mail::Changes>> MemoryMail::changes(FolderId id, uint64_t since) {
  const std::scoped_lock lock(mutex_);
  const Box* found = box(id);
  if (found == nullptr) return std::nullopt;
  Changes out{.folder = facts(id, *found), .whole = since >= found->vanished_floor && since <= found->modseq};
  if (since > found->modseq) since = 0;
  for (const auto& [uid, message] : found->messages) {
    if (message.modseq > since) out.rows.push_back(flags_row(uid, message));
    if (!out.whole) out.uids.add(uid);
  }
  if (!out.whole) return out;
  for (const auto& [modseq, uid] : found->vanished) {
    if (modseq > since) out.vanished.add(uid);
  }
  return out;
}

Status MemoryMail::rows(FolderId id, const imap::SequenceSet& uids, Want want, const Visit& visit) {
  const std::scoped_lock lock(mutex_);
  const Box* found = box(id);
  if (found == nullptr) return no_such_folder();
  for_each_in(found->messages, uids, [&](const auto& at) {
    const auto& [uid, message] = *at;
    MessageRow row = flags_row(uid, message);
    Columns columns;
    const Content& content = *message.content;
    if (want != Want::Flags) {
      row.date = message.date;
      row.saved = message.saved;
      row.size = content.octets.size();
      row.content = content.id;
      row.digest = content.digest;
    }
    if (want == Want::Columns) {
      columns = {.subject = view_of(content.subject),
                 .from = view_of(content.from),
                 .to = view_of(content.to),
                 .cc = view_of(content.cc)};
    }
    return visit(row, columns);
  });
  return {};
}

Result<std::string> MemoryMail::read(ContentId content, uint64_t offset, uint64_t most) {
  const std::scoped_lock lock(mutex_);
  const auto found = contents_.find(content);
  const auto octets = found == contents_.end() ? nullptr : found->second.lock();
  if (octets == nullptr) return fail(Errc::NotFound, std::string(word("the message is gone")));
  if (offset >= octets->octets.size()) return std::string();
  return octets->octets.substr(offset, most);
}

// --- changing messages ---

Result<Mail::Stored> MemoryMail::change_flags(FolderId id, const imap::SequenceSet& uids, FlagChange change,
                                              const sync::Flags& flags, std::optional<uint64_t> unchanged_since) {
  TB_TRY(require_writable(writable(), Writable::Flags));
  const std::scoped_lock lock(mutex_);
  Box* found = box(id);
  if (found == nullptr) return no_such_folder();
  Stored out;
  bool any = false;
  for_each_in(found->messages, uids, [&](const auto& at) {
    auto& [uid, message] = *at;
    if (unchanged_since && message.modseq > *unchanged_since) {
      out.modified.add(uid);
      return true;
    }
    sync::Flags wanted = changed_flags(message.flags, change, flags);
    if (!(wanted == message.flags)) {
      message.flags = std::move(wanted);
      message.modseq = ++found->modseq;
      any = true;
    }
    out.rows.push_back(flags_row(uid, message));
    return true;
  });
  if (any) changed();
  return out;
}

Result<std::unique_ptr<Incoming>> MemoryMail::incoming() {
  TB_TRY(require_writable(writable(), Writable::All));
  return std::make_unique<MemoryIncoming>();
}

Result<Mail::Placed> MemoryMail::append(FolderId id, std::span<NewMessage> messages) {
  TB_TRY(require_writable(writable(), Writable::All));
  const std::scoped_lock lock(mutex_);
  Box* found = box(id);
  if (found == nullptr) return no_such_folder();
  if (!room_for(*found, messages.size())) return fail(Errc::Limit, std::string(word("no UID is left in the folder")));
  for (const NewMessage& message : messages) {
    if (dynamic_cast<MemoryIncoming*>(message.octets.get()) == nullptr) {
      return fail(Errc::Internal, "a message that did not come through incoming()");
    }
  }
  Placed out{.uidvalidity = found->uidvalidity};
  for (NewMessage& message : messages) {
    auto& octets = dynamic_cast<MemoryIncoming&>(*message.octets);
    out.uids.push_back(insert(*found, {.flags = std::move(message.flags),
                                       .date = message.date.value_or(now()),
                                       .content = content_of(octets.take())}));
  }
  if (!messages.empty()) changed();
  return out;
}

Result<Mail::Copied> MemoryMail::place(FolderId from, const imap::SequenceSet& uids, FolderId to, bool keep) {
  TB_TRY(require_writable(writable(), Writable::All));
  const std::scoped_lock lock(mutex_);
  Box* source = box(from);
  Box* target = box(to);
  if (source == nullptr || target == nullptr) return no_such_folder();
  // Where both are one folder, what comes is none of what goes.
  std::vector<std::map<uint32_t, Message>::iterator> chosen;
  for_each_in(source->messages, uids, [&](const auto& at) {
    chosen.push_back(at);
    return true;
  });
  if (!room_for(*target, chosen.size())) return fail(Errc::Limit, std::string(word("no UID is left in the folder")));
  Copied out{.uidvalidity = target->uidvalidity};
  for (const auto& at : chosen) {
    const uint32_t uid = at->first;
    out.uids.emplace_back(uid, insert(*target, at->second));
    if (!keep) erase(*source, at);
  }
  if (!chosen.empty()) changed();
  return out;
}

Result<Mail::Copied> MemoryMail::copy(FolderId from, const imap::SequenceSet& uids, FolderId to) {
  return place(from, uids, to, true);
}

Result<Mail::Copied> MemoryMail::move(FolderId from, const imap::SequenceSet& uids, FolderId to) {
  return place(from, uids, to, false);
}

Result<imap::SequenceSet> MemoryMail::expunge(FolderId id, const imap::SequenceSet& uids) {
  TB_TRY(require_writable(writable(), Writable::All));
  const std::scoped_lock lock(mutex_);
  Box* found = box(id);
  if (found == nullptr) return no_such_folder();
  imap::SequenceSet gone;
  for_each_in(found->messages, uids, [&](const auto& at) {
    if ((at->second.flags.system & sync::kDeleted) == 0) return true;
    gone.add(at->first);
    erase(*found, at);
    return true;
  });
  if (!gone.empty()) changed();
  return gone;
}

}  // namespace libsync::server

#include "tools/twinbox/local_change.h"

#include <algorithm>
#include <set>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/replicas/store.h"
#include "libsync/store/link_table.h"
#include "libsync/store/schema.h"
#include "libsync/sync/path.h"

namespace twinbox {

namespace account = libsync::account;
namespace store = libsync::store;
namespace sync = libsync::sync;
using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::Result;
using libsync::say;
using libsync::Status;

namespace {

bool allows(account::Right right, LocalChange change) {
  if (change == LocalChange::Restore) return true;
  return right >= (change == LocalChange::Flags ? account::Right::Flags : account::Right::Own);
}

std::string what_allows(LocalChange change) {
  return change == LocalChange::Flags ? say("mode = \"two-way\", or local_flags = true,") : say("mode = \"two-way\"");
}

std::unexpected<Error> mirrored(const account::Account& account, const std::string& config, LocalChange change) {
  return fail(
      Error{.code = Errc::Refused,
            .what = say("{} is a mirror of its server, which would not hear of a change made here", account.name),
            .hint = say("to allow it: {} under [account.{}] in {}", what_allows(change), account.name, config)});
}

}  // namespace

Status may_change(const OpenAccount& open, const sync::Path& folder, LocalChange change) {
  const account::Account& account = *open.account;
  const std::string name = libsync::printable(folder_name(folder));
  if (!allows(open.rights->most(), change)) return mirrored(account, open.config, change);
  if (!allows(open.rights->in(folder), change)) {
    return fail(Error{.code = Errc::Refused,
                      .what = say("{} is a mirror of the server's, which would not hear of a change made here", name),
                      .hint = say("to allow it: {} for this folder or under [account.{}] in {}", what_allows(change),
                                  account.name, open.config)});
  }
  if (change != LocalChange::Folder || open.rights->may_change_folder(folder)) return {};
  return fail(Error{.code = Errc::Refused,
                    .what = say("{} is an archive of the server's folder, which it follows", name),
                    .hint = say("its messages are your own: flag, move, rm and append change them here")});
}

Status may_move(const OpenAccount& open, const sync::Path& from, const sync::Path& to) {
  if (!from.empty()) TB_TRY(may_change(open, from, LocalChange::Mail));
  TB_TRY(may_change(open, to, LocalChange::Mail));
  if (from.empty() || open.rights->may_move(from, to)) return {};
  return fail(Error{.code = Errc::Refused,
                    .what = say("{} is {} and {} is {}: the server would not hear of a move",
                                libsync::printable(folder_name(from)), account::mode_name(open.rights->mode(from)),
                                libsync::printable(folder_name(to)), account::mode_name(open.rights->mode(to))),
                    .hint = say("twinbox copy puts it there too, and it stays where it is")});
}

sync::Path path_of(const std::vector<store::MailboxInfo>& boxes, store::MailboxId id) {
  const auto found = std::ranges::find(boxes, id, &store::MailboxInfo::id);
  return found == boxes.end() ? sync::Path{} : found->path;
}

Result<OpenAccount> open_to_change(Context& context, std::string_view name, LocalChange change) {
  TB_ASSIGN(const account::Account* const found, context.account(name));
  const std::string config = account::shorten_path(context.config_path(), context.places());
  if (!allows(account::FolderRights(*found, {}).most(), change)) return mirrored(*found, config, change);
  TB_ASSIGN(OpenAccount open, open_account(context, *found, store::StoreMode::ReadWrite));
  TB_ASSIGN(const auto pairs, with_way_out(store::open_link(open.store->db())->pairs(), found->name));
  open.rights = std::make_shared<const account::FolderRights>(*found, pairs);
  open.config = config;
  return open;
}

Result<std::unique_ptr<store::Write>> begin_change(const OpenAccount& open) {
  auto write = open.store->begin();
  if (write || write.error().code != Errc::Busy) return write;
  return fail(Error{.code = Errc::Busy,
                    .what = say("{}: another twinbox is writing to the store; nothing was changed", open.account->name),
                    .hint = say("a sync that brings much does so for moments; try again"),
                    .retry = true});
}

Result<std::vector<store::MessageInfo>> find_messages(store::Store& from, std::span<const std::string> ids) {
  std::vector<store::MessageInfo> found;
  std::set<store::MessageId> seen;
  for (const std::string& id : ids) {
    TB_ASSIGN(auto message, find_message(from, id));
    if (seen.insert(message.id).second) found.push_back(std::move(message));
  }
  return found;
}

Result<std::vector<store::MessageInfo>> find_present(const OpenAccount& open, std::span<const std::string> ids) {
  TB_ASSIGN(auto found, find_messages(*open.store, ids));
  for (const store::MessageInfo& message : found) {
    if (message.mailbox != 0) continue;
    return fail(Error{.code = Errc::NotFound,
                      .what = say("message {} was removed", message.id),
                      .hint = say("to bring it back: twinbox undelete {} {}", open.account->name, message.id)});
  }
  return found;
}

std::span<const std::string> ids_before_folder(const Arguments& arguments) {
  return std::span(arguments.words()).subspan(1, arguments.words().size() - 2);
}

Result<sync::Path> new_folder_name(std::string_view name) {
  sync::Path path = path_named(name);
  TB_TRY(store::check_path(path));
  if (sync::is_plain(path)) return path;
  return fail(Errc::Usage, say("\"{}\" can't be the name of a folder: it holds control characters, or is not UTF-8",
                               libsync::printable(name, 100)));
}

std::unexpected<Error> name_is_taken(const sync::Path& path) {
  return fail(Error{.code = Errc::Refused,
                    .what = say("folder {} exists already", libsync::printable(folder_name(path))),
                    .hint = say("choose another name")});
}

CommandLog::CommandLog(Context& context, const OpenAccount& open, std::string_view command)
    : context_(context), store_(*open.store), command_(command), link_(store::open_link(open.store->db())) {}

CommandLog::~CommandLog() = default;

Status CommandLog::note(sync::Op op, const store::MessageInfo& message, const sync::Path& to, std::string_view flags) {
  if (!names_) {
    TB_ASSIGN(const auto boxes, store_.mailboxes());
    names_ = std::make_unique<FolderNames>(boxes);
  }
  const bool adds = op == sync::Op::Add;
  return write({.op = op,
                .message = libsync::replicas::instance_of(message.id),
                .folder = adds ? folder_name(to) : names_->of(message),
                .to_folder = adds || to.empty() ? std::string() : folder_name(to),
                .flags = std::string(flags)});
}

Status CommandLog::note_new(store::MessageId id, const sync::Path& folder) {
  return write({.op = sync::Op::Add, .message = libsync::replicas::instance_of(id), .folder = folder_name(folder)});
}

Status CommandLog::write(sync::Event event) {
  event.time = context_.now();
  event.what = sync::Event::What::Command;
  event.on = sync::Side::B;
  event.folder = libsync::printable(event.folder, sync::kMaxEventText);
  event.to_folder = libsync::printable(event.to_folder, sync::kMaxEventText);
  event.flags = libsync::printable(event.flags, sync::kMaxEventText);
  event.by = command_;
  return link_->record(event);
}

JsonList ids_json(std::span<const store::MessageId> ids) {
  JsonList list;
  for (const store::MessageId id : ids) list.emplace_back(id);
  return list;
}

std::string messages_text(uint64_t count) { return counted(count, "message", "messages"); }

}  // namespace twinbox

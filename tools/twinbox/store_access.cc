#include "tools/twinbox/store_access.h"

#include <algorithm>

#include "libsync/base/nearest.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/sync/path.h"

namespace twinbox {

namespace store = libsync::store;
namespace sync = libsync::sync;
using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::Result;
using libsync::say;

namespace {

Error nothing_yet(const libsync::account::Account& account) {
  return Error{.code = Errc::NotFound,
               .what = say("nothing is stored of {} yet", account.name),
               .hint = say("twinbox sync {}", account.name)};
}

// No sync has got as far as the mail: an empty list would look like an account without any.
Result<bool> holds_mail(store::Store& opened) {
  TB_ASSIGN(const auto mailboxes, opened.mailboxes());
  if (!mailboxes.empty()) return true;
  TB_ASSIGN(const auto success, opened.last_success());
  if (success) return true;
  TB_ASSIGN(const auto unclaimed, opened.unclaimed_since());
  return unclaimed.has_value();
}

}  // namespace

Result<OpenAccount> open_account(Context& context, const libsync::account::Account& account, store::StoreMode mode) {
  TB_ASSIGN(OpenAccount open, open_any_account(context, account, mode));
  const auto mail = holds_mail(*open.store);
  // What can't be read is told by what reads it.
  if (mail && !*mail) return fail(nothing_yet(account));
  return open;
}

Result<OpenAccount> open_any_account(Context& context, const libsync::account::Account& account,
                                     store::StoreMode mode) {
  auto opened =
      store::Store::open(account.store, {.mode = mode, .fs = &context.around().fs, .clock = &context.around().clock});
  if (opened) return OpenAccount{.account = &account, .store = *std::move(opened)};
  Error error = std::move(opened).error();
  if (error.code == Errc::NotFound) {
    error = nothing_yet(account);
  } else {
    error.what = say("{}: {}", account.name, error.what);
    if (error.code == Errc::Refused && error.hint.empty()) {
      error.hint = say("twinbox sync {} brings it up to date", account.name);
    }
  }
  return fail(with_way_out(std::move(error), account.name));
}

Error with_way_out(Error error, std::string_view account) {
  if (error.code == Errc::Corrupt && error.hint.empty())
    error.hint = say("twinbox verify {0} --rebuild, then twinbox sync {0}", account);
  return error;
}

Result<OpenAccount> open_account(Context& context, std::string_view name, store::StoreMode mode) {
  TB_ASSIGN(const libsync::account::Account* const account, context.account(name));
  return open_account(context, *account, mode);
}

std::string folder_name(const sync::Path& path) { return sync::encode_path(path); }

namespace {

// Case is no difference to a person, and "Nope" in Work is looked for beside what else is in Work.
std::string nearest_folder(std::string_view name, const std::vector<std::string>& names) {
  std::vector<std::string> lower;
  for (const auto& each : names) lower.push_back(libsync::to_lower(each));
  const std::vector<std::string_view> views(lower.begin(), lower.end());
  const auto near = libsync::nearest(libsync::to_lower(name), views);
  if (!near.empty()) return names[static_cast<size_t>(std::ranges::find(views, near) - views.begin())];
  const auto inside = std::ranges::find_if(
      names, [&](const std::string& each) { return libsync::iequals(each.substr(each.rfind('/') + 1), name); });
  return inside == names.end() ? std::string() : *inside;
}

}  // namespace

sync::Path path_named(std::string_view name) {
  while (name.size() > 1 && name.ends_with('/')) name.remove_suffix(1);
  sync::Path path = sync::decode_path(name);
  if (libsync::iequals(path.front(), "INBOX")) path.front() = "INBOX";
  return path;
}

Result<store::MailboxInfo> find_folder(const OpenAccount& open, std::string_view name) {
  TB_ASSIGN(const auto mailboxes, open.store->mailboxes());
  const sync::Path path = path_named(name);
  std::vector<std::string> names;
  for (const auto& mailbox : mailboxes) {
    if (mailbox.path == path) return mailbox;
    names.push_back(folder_name(mailbox.path));
  }
  const std::string near = nearest_folder(name, names);
  return fail(Error{.code = Errc::NotFound,
                    .what = say("no folder named \"{}\"", libsync::printable(name, 100)),
                    .hint = near.empty() ? say("twinbox ls {} --folders lists them", open.account->name)
                                         : say("did you mean \"{}\"?", libsync::printable(near, 100))});
}

Result<store::MessageInfo> find_message(store::Store& from, std::string_view id) {
  const auto number = libsync::parse_u64(id);
  if (!number || *number == 0 || *number > INT64_MAX) {
    return fail(Error{.code = Errc::Usage,
                      .what = say("\"{}\" is not the id of a message", libsync::printable(id, 40)),
                      .hint = say("ls and search show the ids")});
  }
  TB_ASSIGN(auto found, from.message(static_cast<store::MessageId>(*number)));
  if (!found) {
    return fail(Error{.code = Errc::NotFound,
                      .what = say("no message has the id {}", *number),
                      .hint = say("ls and search show the ids; an index that was made anew gives new ones")});
  }
  return *std::move(found);
}

FolderNames::FolderNames(const std::vector<store::MailboxInfo>& mailboxes) {
  for (const auto& mailbox : mailboxes) names_.emplace_back(mailbox.id, folder_name(mailbox.path));
  std::ranges::sort(names_);
}

std::string FolderNames::of(const store::MessageInfo& message) const {
  if (message.mailbox == 0) return folder_name(message.removed_from);
  const auto found =
      std::ranges::lower_bound(names_, message.mailbox, {}, [](const auto& entry) { return entry.first; });
  return found == names_.end() || found->first != message.mailbox ? std::string() : found->second;
}

std::vector<std::string> flag_names(const sync::Flags& flags) {
  static constexpr std::pair<uint32_t, const char*> kNames[] = {{sync::kSeen, "seen"},
                                                                {sync::kAnswered, "answered"},
                                                                {sync::kFlagged, "flagged"},
                                                                {sync::kDeleted, "deleted"},
                                                                {sync::kDraft, "draft"}};
  std::vector<std::string> out;
  for (const auto& [bit, name] : kNames) {
    if ((flags.system & bit) != 0) out.emplace_back(name);
  }
  return out;
}

JsonObject message_json(const store::MessageInfo& message, const std::string& folder) {
  JsonObject out = {{"id", message.id},
                    {"uid", message.uid == 0 ? Json(nullptr) : Json(message.uid)},
                    {"folder", folder},
                    {"subject", message.envelope.subject},
                    {"from", message.envelope.from},
                    {"to", message.envelope.to},
                    {"date", iso_time(message.internaldate)},
                    {"size", message.size},
                    {"flags", flag_names(message.flags)},
                    {"keywords", message.flags.keywords}};
  if (message.removed_at) out.emplace_back("removed_at", iso_time(*message.removed_at));
  return out;
}

}  // namespace twinbox

// Opening an account's store, and what several commands need of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/account/folder_rights.h"
#include "libsync/store/store.h"

#include "tools/twinbox/context.h"

namespace twinbox {

struct OpenAccount {
  const libsync::account::Account* account = nullptr;  // lives as long as the context
  std::unique_ptr<libsync::store::Store> store{};
  // Of one that is opened to be changed: what may be, and where the configuration says so, for messages.
  std::shared_ptr<const libsync::account::FolderRights> rights{};
  std::string config{};
};

// The account's local store; while no sync has got as far as the mail, Errc::NotFound with the hint to sync.
libsync::Result<OpenAccount> open_account(Context& context, std::string_view name,
                                          libsync::store::StoreMode mode = libsync::store::StoreMode::ReadOnly);
libsync::Result<OpenAccount> open_account(Context& context, const libsync::account::Account& account,
                                          libsync::store::StoreMode mode);
// The same, also of a store that holds nothing but the failures of its first syncs.
libsync::Result<OpenAccount> open_any_account(Context& context, const libsync::account::Account& account,
                                              libsync::store::StoreMode mode);

// The path that folder_name() gave, or that a person typed: INBOX in any case, a slash at the end doesn't count.
libsync::sync::Path path_named(std::string_view name);

// A mailbox named as `ls --folders` prints it ("Archive/2026"); INBOX in any case. The error names the nearest.
libsync::Result<libsync::store::MailboxInfo> find_folder(const OpenAccount& open, std::string_view name);

// The message of an id ("123"); Errc::NotFound otherwise.
libsync::Result<libsync::store::MessageInfo> find_message(libsync::store::Store& store, std::string_view id);

// A damaged index's error with the commands that mend it, named for this account; others as they are.
libsync::Error with_way_out(libsync::Error error, std::string_view account);
template <class T>
libsync::Result<T> with_way_out(libsync::Result<T> result, std::string_view account) {
  if (result) return result;
  return libsync::fail(with_way_out(std::move(result).error(), account));
}

// A mailbox's name for people and scripts; decode_path() gives its components back.
std::string folder_name(const libsync::sync::Path& path);

// Names of all mailboxes, for messages that only know their id.
class FolderNames {
 public:
  explicit FolderNames(const std::vector<libsync::store::MailboxInfo>& mailboxes);
  // The quarantine's messages are shown where they were.
  std::string of(const libsync::store::MessageInfo& message) const;

 private:
  std::vector<std::pair<libsync::store::MailboxId, std::string>> names_;
};

// "seen", "answered", "flagged", "deleted", "draft".
std::vector<std::string> flag_names(const libsync::sync::Flags& flags);

// {"id":…,"uid":…,"folder":…,"subject":…,"from":…,"to":…,"date":…,"size":…,"flags":[…],"keywords":[…]}
JsonObject message_json(const libsync::store::MessageInfo& message, const std::string& folder);

}  // namespace twinbox

// What the commands have in common that change mail in an account's local store: flag, move, copy, rm, undelete,
// folder, append. They work offline and without the sync's lock; each makes one transaction, all of it or nothing. A
// sync of a "two-way" account carries what they did to the server.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/store/store.h"
#include "libsync/sync/link.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/store_access.h"

namespace twinbox {

enum class LocalChange : uint8_t {
  Flags,
  Mail,     // messages, and a folder that is made
  Folder,   // another name for it, no folder any more, subscriptions
  Restore,  // what was removed here comes back
};

// The account's store, to be written to. Errc::Refused, with what to do, where no folder's mode lets it change: a
// mirror follows its server, which would not hear of it. POP3 has no such server: what came down is one's own.
libsync::Result<OpenAccount> open_to_change(Context& context, std::string_view name, LocalChange change);
// The same question for one folder of it.
libsync::Status may_change(const OpenAccount& open, const libsync::sync::Path& folder, LocalChange change);
// For messages that go from one folder to another; `from` may be none (the quarantine).
libsync::Status may_move(const OpenAccount& open, const libsync::sync::Path& from, const libsync::sync::Path& to);
// The name of that mailbox; empty where it is none of them.
libsync::sync::Path path_of(const std::vector<libsync::store::MailboxInfo>& boxes, libsync::store::MailboxId id);

// Waits for another writer as long as the store does, some seconds; then Errc::Busy.
libsync::Result<std::unique_ptr<libsync::store::Write>> begin_change(const OpenAccount& open);

// The messages of these ids, each once. Errc::NotFound names one that is not there.
libsync::Result<std::vector<libsync::store::MessageInfo>> find_messages(libsync::store::Store& store,
                                                                        std::span<const std::string> ids);
// The same; one that was removed is Errc::NotFound, too.
libsync::Result<std::vector<libsync::store::MessageInfo>> find_present(const OpenAccount& open,
                                                                       std::span<const std::string> ids);

// The words of "ACCOUNT ID… FOLDER" that are ids.
std::span<const std::string> ids_before_folder(const Arguments& arguments);

// A name for a folder that is to be there. Errc::Usage for one that can't be.
libsync::Result<libsync::sync::Path> new_folder_name(std::string_view name);

// Errc::Refused: there is a folder of that name.
std::unexpected<libsync::Error> name_is_taken(const libsync::sync::Path& path);

// The log's entries of a command, written in its transaction.
class CommandLog {
 public:
  CommandLog(Context& context, const OpenAccount& open, std::string_view command);
  ~CommandLog();
  // `message` as it was before; `to` is where it went, of Move and Copy. An added one is in `to`.
  libsync::Status note(libsync::sync::Op op, const libsync::store::MessageInfo& message,
                       const libsync::sync::Path& to = {}, std::string_view flags = {});
  libsync::Status note_new(libsync::store::MessageId id, const libsync::sync::Path& folder);

 private:
  libsync::Status write(libsync::sync::Event event);
  Context& context_;
  libsync::store::Store& store_;
  std::string command_;
  std::unique_ptr<libsync::sync::Link> link_;
  std::unique_ptr<FolderNames> names_;
};

JsonList ids_json(std::span<const libsync::store::MessageId> ids);

// "3 messages".
std::string messages_text(uint64_t count);

}  // namespace twinbox

// One account synced: the store opened and locked, the server asked, the engine run, the run recorded.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "libsync/account/config.h"
#include "libsync/account/remote.h"
#include "libsync/store/store.h"
#include "libsync/sync/replica.h"
#include "libsync/sync/sync.h"

namespace libsync::account {

// In the store (Store::meta()): the mechanism of the last login.
inline constexpr std::string_view kLoginMechanism = "login_mechanism";

struct SyncSettings {
  bool dry_run = false;
  // A timer asked, not a person: a server that wants to be left alone for a while is (Errc::Refused, `retry`,
  // `retry_after` says for how long). A person's word goes before the server's.
  bool scheduled = false;
  uint64_t allow_deletes = 0;              // the user's word for the deletion fuse
  std::chrono::milliseconds lock_wait{0};  // how long to wait for another sync of the same store
};

// Hears of a sync of one account; called on the thread that runs it.
class AccountObserver : public sync::SyncObserver {
 public:
  virtual void connecting() = 0;
  virtual void alert(std::string_view text) { (void)text; }  // the server's words to its user, printable
  virtual void looking() = 0;                                // logged in; asking what is there
  virtual void indexing(uint64_t done, uint64_t total) = 0;  // mail is durable; its words are made searchable
};

// What one folder of the store went through: messages that came into it and that went, also by moves.
struct FolderChange {
  sync::Path path;
  uint64_t added = 0, gone = 0;
  uint64_t messages = 0;  // in it now
};

struct SyncResult {
  Status status{};
  Status indexed{};           // an error: the mail is here, its words are not all found yet; the next search goes on
  sync::SyncReport report{};  // what was done, also before a failure
  uint64_t put_back = 0;      // of the added: a rebuilt store had their octets without their places
  uint64_t recovered = 0;     // messages that only the store has, found again by a rebuild: in mailbox "Recovered"
  std::optional<store::RebuildReport> rebuilt{};  // nothing could be read of twin.db: it was made anew first
  std::vector<FolderChange> folders{};            // those in which something came or went
  std::optional<sync::ReplicaCost> cost{};        // nothing: no login, nothing was counted
  std::chrono::milliseconds took{0};
};

// Thread-safe for different accounts. Everything durable before a failure stays. After a dry run a
// store that has never held anything is taken away; after a failure it says when and why (store::Store::runs()).
//
// `secret` is asked for when the store is locked, so that a sync that has to give way asks for nothing.
SyncResult sync_account(const Account& account, const std::function<Result<Secret>()>& secret,
                        const RemoteOptions& remote, const SyncSettings& settings, AccountObserver& observer,
                        const Clock& clock, std::stop_token stop);

}  // namespace libsync::account

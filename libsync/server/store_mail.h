// A user's mail in a local store, as an IMAP session sees it. Other processes may have the same store open and write to
// it, a sync among them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libsync/server/mail.h"
#include "libsync/server/store_pool.h"
#include "libsync/store/store.h"

namespace libsync::server {

struct StoreMailOptions {
  Writable writable = Writable::Nothing;
  // Where it is not the same everywhere; never more than `writable`. Any thread. Empty: everywhere.
  std::function<Writable(const sync::Path&)> writable_in{};
  // Whether a message may go from one mailbox to the other, where both may be written to. Empty: always.
  std::function<bool(const sync::Path& from, const sync::Path& to)> may_move{};
  bool create = false;           // the store and an INBOX where they are missing; needs Writable::All
  const Clock* clock = nullptr;  // null: the system's; else it must outlive the mail
  int busy_ms = 5000;            // how long a write waits for another process's
  size_t readers = 3;            // Stores open to read with, at most: some 2 MB each
};

// Removed messages, also those of a folder that is deleted, go to the store's quarantine and can be restored for 30
// days. What is found damaged by reading is Errc::Corrupt, and noted for the next sync.
class StoreMail final : public Mail {
 public:
  // Where more than Writable::Nothing is wanted, an older store is brought up to date. Errors are Store::open()'s.
  static Result<std::shared_ptr<StoreMail>> open(const std::string& directory, const StoreMailOptions& options);

  // Raises the generation if another process has written: to be called once a second, by any thread.
  Status look_for_changes();

  Writable writable() const override { return options_.writable; }
  Writable writable_in(const sync::Path& path) const override {
    return options_.writable_in ? options_.writable_in(path) : options_.writable;
  }

  Result<std::vector<Folder>> folders() override;
  Result<std::optional<Folder>> folder(FolderId id) override;
  Result<FolderId> create_folder(const sync::Path& path, sync::Role role) override;
  Status rename_folder(FolderId id, const sync::Path& path) override;
  Status delete_folder(FolderId id) override;
  Status subscribe(FolderId id, bool subscribed) override;

  Result<std::optional<View>> view(FolderId id) override;
  Result<std::optional<Changes>> changes(FolderId id, uint64_t since) override;
  Status rows(FolderId id, const imap::SequenceSet& uids, Want want, const Visit& visit) override;
  Result<std::string> read(ContentId content, uint64_t offset, uint64_t most) override;

  Result<Stored> change_flags(FolderId id, const imap::SequenceSet& uids, FlagChange change, const sync::Flags& flags,
                              std::optional<uint64_t> unchanged_since) override;
  Result<std::unique_ptr<Incoming>> incoming() override;
  Result<Placed> append(FolderId id, std::span<NewMessage> messages) override;
  Result<Copied> copy(FolderId from, const imap::SequenceSet& uids, FolderId to) override;
  Result<Copied> move(FolderId from, const imap::SequenceSet& uids, FolderId to) override;
  Result<imap::SequenceSet> expunge(FolderId id, const imap::SequenceSet& uids) override;

 private:
  StoreMail(std::string directory, const StoreMailOptions& options, std::unique_ptr<StorePool> pool)
      : directory_(std::move(directory)), options_(options), pool_(std::move(pool)) {}
  int64_t now() const;
  // Commits, and tells all sessions.
  Status commit(store::Write& write);
  Status make_inbox();
  Result<Copied> place(FolderId from, const imap::SequenceSet& uids, FolderId to, bool keep);

  const std::string directory_;
  const StoreMailOptions options_;
  SystemClock system_clock_;
  std::unique_ptr<StorePool> pool_;
};

}  // namespace libsync::server

// A user's mail in memory, gone with the object: for demonstrations, for tests, and to compare others with.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/mime/charset.h"
#include "libsync/server/mail.h"
#include "libsync/store/schema.h"

namespace libsync::server {

struct MemoryMailOptions {
  Writable writable = Writable::All;
  const Clock* clock = nullptr;  // null: the system's; else it must outlive the mail
  // Expunged messages remembered per folder; before the oldest of them changes() is not whole.
  size_t max_vanished = store::kMaxVanished;
};

class MemoryMail final : public Mail {
 public:
  explicit MemoryMail(MemoryMailOptions options = {});

  // --- another program at work: `writable` does not bind it. A folder that is not there is the caller's error ---
  FolderId make_folder(const sync::Path& path, sync::Role role = sync::Role::None);
  uint32_t put(FolderId folder, std::string octets, sync::Flags flags = {}, std::optional<int64_t> date = {});
  void set_flags(FolderId folder, uint32_t uid, const sync::Flags& flags);
  void remove(FolderId folder, uint32_t uid);
  // As a server that lost its memory does: all messages get new UIDs, the folder another UIDVALIDITY.
  void renumber(FolderId folder);

  Writable writable() const override { return options_.writable; }

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
  // Octets, and what was read out of them when they came. Lives as long as a message has it.
  struct Content {
    ContentId id = 0;
    std::string octets;
    Sha256Digest digest{};
    std::optional<std::string> subject{}, from{}, to{}, cc{};
  };
  struct Message {
    uint64_t modseq = 0;
    sync::Flags flags{};
    int64_t date = 0, saved = 0;
    std::shared_ptr<const Content> content;
  };
  struct Box {
    sync::Path path;
    sync::Role role = sync::Role::None;
    bool subscribed = true;
    uint32_t uidvalidity = 0;
    uint32_t uidnext = 1;
    uint64_t modseq = 1;
    std::map<uint32_t, Message> messages{};
    std::deque<std::pair<uint64_t, uint32_t>> vanished{};  // modseq and UID, ascending by modseq
    uint64_t vanished_floor = 0;                           // the last modseq that was forgotten
  };

  // All of these with the mutex held.
  Box* box(FolderId id);
  bool taken(const sync::Path& path) const;
  FolderId make(const sync::Path& path, sync::Role role);
  std::shared_ptr<const Content> content_of(std::string octets);
  uint32_t insert(Box& box, Message message);
  void erase(Box& box, std::map<uint32_t, Message>::iterator at);
  bool room_for(const Box& box, uint64_t messages) const;
  int64_t now() const;
  static Folder facts(FolderId id, const Box& box);
  static MessageRow flags_row(uint32_t uid, const Message& message);
  Result<Copied> place(FolderId from, const imap::SequenceSet& uids, FolderId to, bool keep);

  const MemoryMailOptions options_;
  SystemClock system_clock_;
  std::mutex mutex_;
  std::map<FolderId, Box> boxes_;
  std::map<ContentId, std::weak_ptr<const Content>> contents_;
  std::map<Sha256Digest, std::weak_ptr<const Content>> by_digest_;
  mime::Converters converters_;
  FolderId last_folder_ = 0;
  ContentId last_content_ = 0;
  uint32_t last_uidvalidity_ = 0;
};

}  // namespace libsync::server

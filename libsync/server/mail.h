// What an IMAP session serves: one user's mailboxes with the numbers that IMAP gives (RFC 9051, section 2.3; modseq:
// RFC 7162). Everything that a session does to mail passes here; who reads RFC texts need not look further.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsync/base/digest.h"
#include "libsync/base/result.h"
#include "libsync/imap/sequence_set.h"
#include "libsync/sync/replica.h"

namespace libsync::server {

using FolderId = int64_t;   // stable across renames, never given again
using ContentId = int64_t;  // names octets: as long as a message has them, they are the same

struct Folder {
  FolderId id = 0;
  sync::Path path{};
  sync::Role role = sync::Role::None;
  bool subscribed = false;
  uint32_t uidvalidity = 0;
  uint32_t uidnext = 1;
  uint64_t highestmodseq = 1;
  uint64_t messages = 0, unseen = 0;
  uint64_t octets = 0;  // of the messages
};

// How much of it may be changed.
enum class Writable : uint8_t {
  Nothing,  // a mirror
  Flags,    // a mirror whose flags are one's own
  All,
};

// A row is whole but for what was not asked for (Want). Views are valid during the call that hands it out.
struct MessageRow {
  uint32_t uid = 0;
  uint64_t modseq = 0;
  sync::Flags flags{};
  int64_t date = 0;                // INTERNALDATE, seconds since 1970 UTC
  std::optional<int64_t> saved{};  // SAVEDATE (RFC 8514); nothing: not known
  uint64_t size = 0;               // octets, exactly as read() gives them
  ContentId content = 0;
  Sha256Digest digest{};  // of the octets
};

// What of the header is decoded and at hand: UTF-8, unfolded; addresses as "Name <local@domain>, …". One that is not
// whole (a very long one) is absent, and to be read from the octets.
struct Columns {
  std::optional<std::string_view> subject{}, from{}, to{}, cc{};
};

enum class Want : uint8_t {
  Flags,    // uid, modseq, flags
  Facts,    // all of the row
  Columns,  // and what is decoded of the header
};

enum class FlagChange : uint8_t { Add, Remove, Replace };

// A message on its way in (APPEND, submission): its octets go to where they may be many. Gone without append(): they
// never came. Must not outlive its Mail.
class Incoming {
 public:
  virtual ~Incoming() = default;
  virtual Status data(std::string_view octets) = 0;  // Errc::Disk
};

struct NewMessage {
  std::unique_ptr<Incoming> octets;
  sync::Flags flags{};
  std::optional<int64_t> date{};  // nothing: now
};

// One user's mail. Thread-safe: all sessions of the user share it. Each call that writes is one transaction, all of it
// or nothing, durable when it returns; what it changed is told to all sessions by generation(). Errors: Errc::NotFound
// (the folder went meanwhile), Errc::Refused (writable() does not allow it, or a name is taken: hint tells),
// Errc::Usage (a name that can't be), Errc::Limit, Errc::Busy, Errc::Disk, Errc::Corrupt. UIDs that are not there are
// passed over.
class Mail {
 public:
  virtual ~Mail() = default;

  // The most that is allowed anywhere, and what is in the mailbox of that name, or would be.
  virtual Writable writable() const = 0;
  virtual Writable writable_in(const sync::Path& path) const {
    (void)path;
    return writable();
  }
  // Another number when anything of this mail may have changed since, whoever did it. Costs nothing.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  // Called whenever that changes, on the thread that changed something: it must not call this object. One at a time;
  // an empty one: nobody listens, and the one before is not called any more.
  void on_change(std::function<void()> listener);

  // --- folders ---
  virtual Result<std::vector<Folder>> folders() = 0;  // INBOX first, then by path
  virtual Result<std::optional<Folder>> folder(FolderId id) = 0;
  // Parents are not made. Errc::Refused: there is one of that name.
  virtual Result<FolderId> create_folder(const sync::Path& path, sync::Role role) = 0;
  // Takes those below along; INBOX's stay (its caller moves the messages out instead, RFC 9051, section 6.3.6).
  virtual Status rename_folder(FolderId id, const sync::Path& path) = 0;
  // With all messages in it.
  virtual Status delete_folder(FolderId id) = 0;
  virtual Status subscribe(FolderId id, bool subscribed) = 0;

  // --- messages ---
  struct View {
    Folder folder{};
    imap::SequenceSet uids{};             // all of them
    std::vector<std::string> keywords{};  // that its messages have; may be more
  };
  // All in one moment. Nothing: no such folder.
  virtual Result<std::optional<View>> view(FolderId id) = 0;

  struct Changes {
    Folder folder{};
    std::vector<MessageRow> rows{};  // new, or other than at `since`: Want::Flags, by UID
    imap::SequenceSet vanished{};    // went since; perhaps such as nobody knew of
    bool whole = true;               // false: `since` is too long ago: what is not in `uids` vanished
    imap::SequenceSet uids{};        // all of them, unless whole
  };
  // What happened since that modseq (0: everything), in one moment. Nothing: no such folder.
  virtual Result<std::optional<Changes>> changes(FolderId id, uint64_t since) = 0;

  // Of these UIDs, ascending; `visit` false ends it. `visit` must not call this object.
  using Visit = std::function<bool(const MessageRow&, const Columns&)>;
  virtual Status rows(FolderId id, const imap::SequenceSet& uids, Want want, const Visit& visit) = 0;

  // Octets from `offset` on, at most `most`; none: the end. A megabyte at a time costs least. Errc::NotFound: no
  // message has them any more.
  virtual Result<std::string> read(ContentId content, uint64_t offset, uint64_t most) = 0;

  // --- changing messages ---
  struct Stored {
    std::vector<MessageRow> rows{};  // that were changed, or are as they were wanted already: Want::Flags, by UID
    imap::SequenceSet modified{};    // that were not, as they have changed since `unchanged_since`
  };
  virtual Result<Stored> change_flags(FolderId id, const imap::SequenceSet& uids, FlagChange change,
                                      const sync::Flags& flags, std::optional<uint64_t> unchanged_since) = 0;

  virtual Result<std::unique_ptr<Incoming>> incoming() = 0;
  struct Placed {
    uint32_t uidvalidity = 0;
    std::vector<uint32_t> uids{};  // ascending, in the order of the messages
  };
  virtual Result<Placed> append(FolderId id, std::span<NewMessage> messages) = 0;

  struct Copied {
    uint32_t uidvalidity = 0;                           // of the target
    std::vector<std::pair<uint32_t, uint32_t>> uids{};  // from, to; both ascending
  };
  // With flags and date; `to` may be `from`.
  virtual Result<Copied> copy(FolderId from, const imap::SequenceSet& uids, FolderId to) = 0;
  virtual Result<Copied> move(FolderId from, const imap::SequenceSet& uids, FolderId to) = 0;
  // Those of them that have \Deleted; which.
  virtual Result<imap::SequenceSet> expunge(FolderId id, const imap::SequenceSet& uids) = 0;

 protected:
  void changed();

 private:
  std::atomic<uint64_t> generation_{1};
  std::mutex listener_mutex_;
  std::function<void()> listener_;
};

// Of a user who has proved who it is.
using OpenMail = std::function<Result<std::shared_ptr<Mail>>(std::string_view user)>;

}  // namespace libsync::server

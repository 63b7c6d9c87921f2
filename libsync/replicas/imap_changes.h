// What changed in mailboxes since their cursors: the ladder QRESYNC, CONDSTORE, full look. Internal to the
// IMAP replica.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "libsync/replicas/imap_conversation.h"
#include "libsync/replicas/imap_mailboxes.h"
#include "libsync/replicas/imap_opening.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// The token that changes() hands out: "1 uidvalidity uidnext modseq exists name".
struct ImapCursor {
  uint32_t uid_validity = 0, uid_next = 0;
  uint64_t modseq = 0;  // 0: the mailbox keeps none
  uint64_t exists = 0;
  std::string wire{};  // the mailbox's name then: a MAILBOXID alone can't be asked for

  std::string text() const;
  static std::optional<ImapCursor> parse(std::string_view text);
};

// Keys that VANISHED may name one by one; beyond it the mailbox is listed instead.
inline constexpr uint64_t kMaxVanishedKeys = 20'000;

// One changes() call, on the thread of its conversation; conversation, mailboxes and sink must outlive it. run()
// gives the conversation's errors and what the sink returned; a mailbox that refuses costs that mailbox only.
class ImapChanges final : public ImapListener {
 public:
  ImapChanges(ImapConversation& conversation, ImapMailboxes& mailboxes, sync::ChangeSink& sink)
      : ImapListener(conversation), mailboxes_(mailboxes), sink_(sink) {}

  Status run(std::span<const sync::BoxCursor> cursors, std::stop_token stop);

  void on_status(const imap::StatusLine& line) override;
  void on_done(const imap::Completion& done) override;
  void on_flags(const imap::FlagList& flags) override;
  void on_exists(uint64_t count) override;
  void on_expunge(uint64_t number) override;
  void on_vanished(const imap::VanishedData& data) override;
  void on_search(const imap::SearchData& data) override;
  void on_fetch(const imap::FetchData& data) override;
  void on_malformed(std::string_view text, std::string_view why) override;

 private:
  enum class Mode { Qresync, Condstore, Full };
  struct Flagged {
    uint32_t uid = 0;
    sync::Flags flags{};
  };
  // One mailbox under way. Its commands are answered in order.
  struct Look : ImapOpening {
    sync::BoxId box{};
    std::optional<ImapCursor> cursor{};
    Mode mode = Mode::Full;
    bool always_fetch = false;  // a look before this one found more than STATUS had said
    int attempt = 0;
    imap::CommandId fetch = 0, search = 0;  // 0: not sent, or answered
    bool opened = false, searched = false;
    bool shrank = false;  // EXISTS fell, and no EXPUNGE said of what
    std::optional<Error> trouble{};
    std::vector<Flagged> early{};  // QRESYNC's, before the mailbox is open
    imap::SequenceSet gone{}, there{};
    uint32_t top = 0;  // the largest UID seen
    uint64_t malformed = 0;
    std::string malformed_first{};  // the first of them and why, printable
    bool answered() const { return examine == 0 && fetch == 0 && search == 0; }
  };

  Status plan(const sync::BoxCursor& cursor);
  Mode best_mode(const ImapCursor& cursor) const;
  Status start(Look look);
  Status send_fetch(Look& look);
  Look* current() { return looks_.empty() ? nullptr : &looks_.front(); }
  void keep(Status status);

  void examined(Look& look);
  bool believable(const Look& look) const;
  void open(Look& look);
  void again(const Look& look, Mode mode);
  void refused(Look& look, const ImapAnswer& answer);
  void see(Look& look, uint32_t uid, const sync::Facts& facts);
  void finish(Look look);
  void report_gone(const Look& look);
  void report_malformed(const Look& look);

  ImapMailboxes& mailboxes_;
  sync::ChangeSink& sink_;
  std::deque<Look> waiting_, looks_;
  ImapFlight flight_;
  Status status_;
};

}  // namespace libsync::replicas

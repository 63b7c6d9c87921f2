// Messages by UID FETCH, pipelined over mailboxes, streamed to the sink. Internal to the IMAP replica.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "libsync/imap/limits.h"
#include "libsync/replicas/imap_conversation.h"
#include "libsync/replicas/imap_mailboxes.h"
#include "libsync/replicas/imap_opening.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// One command asks for at most so many messages and octets: a refusal is then bisected in few steps, and a
// command line stays short.
inline constexpr size_t kBatchMessages = 500;
static_assert(kBatchMessages * sizeof("4294967295") + 100 <= imap::kMaxCommandLine);
inline constexpr uint64_t kBatchOctets = uint64_t{4} << 20;
// What is asked for ahead of the answers: commands of one mailbox, and octets of all; however large the messages
// are, two commands, so that the server never waits for us.
inline constexpr size_t kBatchesInFlight = 4;
inline constexpr uint64_t kOctetsInFlight = kBatchesInFlight * kBatchOctets;
inline constexpr size_t kCommandsInFlight = 2;
// What a header, or a message of unknown size, counts for: most have less.
inline constexpr uint64_t kTypicalHeader = 4096;
// A message whose UID comes behind its text is held so far; a larger one is asked for alone.
inline constexpr size_t kMaxHeld = size_t{32} << 20;

// One fetch() call. EXAMINE and the commands for that mailbox go out together, those for the next ones behind
// them; text is taken only while the mailbox that it was asked of is known to be open, as the one that is meant.
class ImapFetch final : public ImapListener {
 public:
  ImapFetch(ImapConversation& conversation, ImapMailboxes& mailboxes, sync::MessageSink& sink)
      : ImapListener(conversation), mailboxes_(mailboxes), sink_(sink) {}

  Status run(std::span<const sync::FetchItem> items, std::stop_token stop);

  void on_status(const imap::StatusLine& line) override;
  void on_done(const imap::Completion& done) override;
  void on_body_begin(const imap::BodyStart& start) override;
  void on_body_data(std::string_view bytes) override;
  void on_body_end() override;
  void on_fetch(const imap::FetchData& data) override;
  void on_malformed(std::string_view text, std::string_view why) override;

 private:
  enum class Taking { Nothing, Message, Held, TooLargeToHold };
  struct Slot {
    const sync::FetchItem* item = nullptr;
    bool done = false;
    bool alone = false;  // asked for by itself, for its UID came behind its text
    std::string refused{};
  };
  struct Batch {
    std::vector<uint32_t> uids{};  // ascending
    uint64_t octets = 0;           // expected
    imap::CommandId id = 0;        // once sent
    bool alone = false;            // sent while nothing else was under way, for its message's sake
  };
  // A mailbox, and what is wanted there. What is refused when the next mailbox is open already takes another.
  struct Visit {
    ImapOpening opening{};
    uint64_t epoch = 0;  // the UIDVALIDITY that is meant
    sync::FetchPart part = sync::FetchPart::Whole;
    std::map<uint32_t, Slot> slots{};  // none: nothing can be had here
    std::deque<Batch> waiting{};
    std::vector<Batch> sent{};
    std::string malformed{};  // a line that can't be read, since the last answer
    bool over() const { return opening.examine == 0 && sent.empty(); }
  };

  void sort(std::span<const sync::FetchItem> items);
  std::optional<Error> why_not(const sync::FetchItem& item, const std::optional<std::string>& wire) const;
  static void make_batches(Visit& visit);

  void send_what_may_go();
  Status open_next();
  Status send_batch(Visit& visit);
  bool has_room(const Visit& visit) const;
  static bool may_send(const Visit& visit);

  const sync::FetchItem* under_way() const;
  void check_epoch(Visit& visit);
  void give_up(Visit& visit, const Error& why);
  void leave_finished();

  void settle(Visit& visit, const Batch& batch, const ImapAnswer& answer);
  void settle_one(const Visit& visit, Slot& slot, const ImapAnswer& answer);
  Slot* wanted(uint32_t uid);
  void deliver_held(uint32_t uid);
  bool refuses_empty(Slot& slot, uint64_t octets) const;
  void fail_item(const sync::FetchItem& item, Errc code, std::string what, std::string server = {});
  void keep(Status status);

  ImapMailboxes& mailboxes_;
  sync::MessageSink& sink_;
  std::list<Visit> waiting_, visits_;  // visits_: under way, in the order of their commands
  ImapFlight flight_;
  Visit* current_ = nullptr;  // whose mailbox the server says is open; of visits_
  uint64_t octets_ = 0;       // expected of all that was sent
  Taking taking_ = Taking::Nothing;
  Slot* receiving_ = nullptr;
  uint32_t only_ = 0;  // the UID, while one message alone is asked for
  std::string held_;
  bool holds_ = false;       // held_ is a message that waits for its UID
  bool overflowed_ = false;  // it was too large
  int put_off_ = 0;          // messages refused for now, each on its own, since the last one that came
  Status status_;
};

}  // namespace libsync::replicas

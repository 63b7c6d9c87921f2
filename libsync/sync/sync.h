// A sync: observe → resolve → plan → act, between two replicas and the link between them (docs/architecture.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/sync/link.h"
#include "libsync/sync/policy.h"
#include "libsync/sync/transfer.h"

namespace libsync::sync {

struct SyncOptions {
  Policy policy{};
  bool dry_run = false;  // plans and tells, changes nothing on either side nor in the link
  TransferLimits limits{};
  // Which of side A's mailboxes take part; empty: all. One that no longer does stays as it is.
  std::function<bool(const Path&)> takes_part{};
  // What may be done to a mailbox of that side, where it is not as `policy` says. Empty: nowhere.
  std::function<Can(Side, const Pair&)> can_in{};
  // What a mailbox of side `from` is called on the other; must give the name back when asked the other way round.
  // Empty: the same.
  std::function<Path(Side from, const Path&)> translate{};
  // Mailboxes of the same role are one, whatever they are called (Sent, Gesendet), where no name fits.
  bool match_roles = false;
  // Content that side B has without a message for it (a store rebuilt from its segments), by print:
  // nothing is downloaded twice. Empty: there is none; else headers are fetched first.
  std::function<Result<std::optional<Id>>(const Id& print)> find_known{};
  // Waits, where a server refuses something for now and a pause may help; an error when it is stopped. Empty: no
  // waiting.
  std::function<Status(std::chrono::milliseconds, const std::stop_token&)> pause{};
  // Whether side B still has these octets whole (Facts::object): asked before a message is removed from side A
  // that was stored in an earlier run. Empty: believed.
  std::function<Status(const Id& content)> verify_stored{};
  // Octets of side B (Facts::object) that were found damaged: read from side A again. Empty: none ever are.
  std::function<Result<std::vector<Id>>()> damaged{};
  // Which of them side A has no more, after each run that looked; gives how many messages of them were not known to be.
  std::function<Result<uint64_t>(const std::vector<Id>& contents)> note_lost{};
};

// Hears of a sync while it runs; called on the thread that runs it.
class SyncObserver {
 public:
  virtual ~SyncObserver() = default;
  // What is about to be carried over: known after the observation.
  virtual void planned(uint64_t messages, uint64_t octets) = 0;
  // Durable now; added up over the run.
  virtual void carried(uint64_t messages, uint64_t octets) = 0;
  // Each action of a dry run: one line for a person.
  virtual void action(const std::string& text) = 0;
};

// A message or mailbox that was passed over, and why.
struct Skipped {
  std::string where;  // "INBOX/8812"
  std::string why;    // the server's words where there are any
};

struct Held {
  std::string mailbox;
  uint64_t removals = 0;
  uint64_t messages = 0;  // in the mailbox before
  uint64_t sent = 0;      // of the removals: those to be made on side A
};

// What was done to the messages of one side.
struct SideCounts {
  uint64_t added = 0, octets = 0;
  uint64_t copied = 0;  // of the added: from a message that was there, without a transfer
  uint64_t flags = 0, moved = 0, removed = 0;
  uint64_t all() const { return added + flags + moved + removed; }
};

// What was done to side B, and beside it to side A; of a dry run, what would be.
struct SyncReport : SideCounts {
  using Counts = SideCounts;
  Counts sent{};  // to side A
  Counts& on(Side side) { return side == Side::A ? sent : *this; }
  uint64_t boxes_created = 0, boxes_renamed = 0, boxes_deleted = 0, boxes_subscribed = 0;  // or unsubscribed
  uint64_t reused = 0;   // of the added: not downloaded, their content was here already
  uint64_t left = 0;     // POP3: removed from the server because the account leaves nothing there
  uint64_t mended = 0;   // contents found damaged here and read from the server again
  uint64_t lost = 0;     // messages damaged here of which it turned out that the server has them no more
  uint64_t suspect = 0;  // messages that lost their place on a side and found no match
  std::vector<Skipped> skipped{};
  std::vector<Held> held{};
  std::chrono::milliseconds retry_after{0};  // how long the server wants to be left alone, at most
  std::vector<std::string> doubtful{};       // mailboxes whose count didn't fit; looked at again next time

  bool nothing_new() const {
    const uint64_t boxes = boxes_created + boxes_renamed + boxes_deleted + boxes_subscribed;
    return all() + sent.all() + boxes + left + mended == 0;
  }
};

// One run between `a` (the server, in a mirror) and `b`. `link` belongs to this pair of replicas; where
// `b` keeps its messages in a database, the link is on the same connection. Runs on the calling
// thread; `a` is also used on a thread of the transfer while it lasts.
//
// On failure the report holds what was done before. Another run takes up where this one ended.
class Sync {
 public:
  Sync(Replica& a, Replica& b, Link& link, const Clock& clock, SyncOptions options, SyncObserver& observer);

  Status run(std::stop_token stop);
  const SyncReport& report() const { return report_; }

 private:
  Can can_in(Side side, const Pair* pair) const;
  Replica& a_;
  Replica& b_;
  Link& link_;
  const Clock& clock_;
  SyncOptions options_;
  SyncObserver& observer_;
  SyncReport report_;
};

}  // namespace libsync::sync

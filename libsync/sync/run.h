// What the steps of one sync share. Internal to sync/.
#pragma once

#include <set>
#include <stop_token>

#include "libsync/base/clock.h"
#include "libsync/sync/observe.h"
#include "libsync/sync/plan.h"
#include "libsync/sync/sync.h"

namespace libsync::sync {

struct Run {
  Replica& a;
  Replica& b;
  Link& link;
  PairBook& book;
  const PlanContext& context;
  const SyncOptions& options;
  const Clock& clock;
  SyncObserver& observer;
  SyncReport& report;
  std::stop_token stop;
  bool removals_accepted = false;  // by the user's word: the fuse would have held them
  std::set<RowId> downloaded{};    // in this run: their octets came from the server as it is now

  std::set<PairId> absorbed{};

  Replica& replica(Side side) const { return side == Side::A ? a : b; }
  bool takes_part(const Path& path) const;
  // What we did ourselves is no news at the next look, unless something came between. Written down in the end: a
  // cursor that a crash leaves behind only shows our own doing once more.
  void absorb(Side side, Pair& pair, const Outcome& outcome);
  Status write_absorbed();
  // Where a half is, for a person: "INBOX/8812".
  std::string place(const Half& half, Side side) const;
};

// How many rows are worked on at a time: bounds memory whatever the size of the mailbox.
inline constexpr size_t kRowsAtOnce = 16'000;

// Carries out one action; `done` runs inside the replica's transaction.
Status apply_one(Run& run, Side side, const Action& action, const std::function<Status(const Outcome&)>& done);

// Mailboxes (mailboxes.cc).
Status pair_mailboxes(Run& run);
std::vector<BoxCursor> cursors_of(const Run& run, Side side);
// Mailboxes of side A that are gone: found again under another name, or their messages marked as gone.
Status settle_missing(Run& run, const std::vector<PairId>& missing);
Status create_and_rename_mailboxes(Run& run);
Status delete_mailboxes(Run& run);

// Finds out which messages that seem new on `side` are ones that lost their place there (rebind.cc).
Status rebind(Run& run, Side side);
// The user's word that what lost its place may go (rebind.cc).
Status release_suspects(Run& run);

// The prints of messages on `side`, by their header; "" where it can't be read. `sizes` as announced.
Result<std::vector<Id>> fetch_prints(Run& run, Side side, std::vector<FetchItem> items);

// Reads those of the rows that `doubtful` picks from side A once more and compares them with what is stored. What
// differs becomes a message of its own; what can't be read now stays as it is (read_again.cc).
Status read_again(Run& run, std::vector<Row>& rows, const std::function<bool(const Row&)>& doubtful);
// The same for every row with this doubt. One in which the connection ends is Doubt::ReadLast from then on.
Status read_doubtful_again(Run& run, Doubt doubt);

// `row` keeps what is stored, and has no place on side A any more; what side A has there becomes a row of its own
// (read_again.cc). The caller writes `row`.
Status set_apart(Run& run, Row& row);

// What side B found damaged of its contents, read from side A again (mend.cc). Ids, flags and places stay.
class Mender {
 public:
  explicit Mender(Run& run) : run_(run) {}
  Status look();  // which messages
  uint64_t messages() const { return rows_.size(); }
  uint64_t octets() const { return octets_; }
  Status mend();

 private:
  Status mend_some(std::span<const RowId> ids);
  Run& run_;
  std::vector<RowId> rows_;  // one for each content
  uint64_t octets_ = 0;
  std::vector<Id> lost_;
};

// Flags, adds, moves and removals of single messages (act.cc).
Status act_on_messages(Run& run);

// POP3's "leave nothing on the server" (leave.cc): marks on side A what is durable on side B. The
// removals take effect, and are reported, when finish_leaving() has ended the session.
class Leaver {
 public:
  explicit Leaver(Run& run) : run_(run) {}
  Status mark();
  Status finish();

 private:
  Status doubt_by_print(std::vector<Row>& rows);
  Status doubt_until_acknowledged(const std::vector<Action>& actions);
  std::vector<Action> removals(const Pair& pair, const std::vector<Row>& rows);
  // What speaks against removing the message on the server.
  std::optional<std::string> why_not(const Row& row) const;
  Run& run_;
};

}  // namespace libsync::sync

// What the steps of one sync share. Internal to sync/.
#pragma once

#include <map>
#include <set>
#include <stop_token>

#include "libsync/base/clock.h"
#include "libsync/sync/key_set.h"
#include "libsync/sync/observe.h"
#include "libsync/sync/plan.h"
#include "libsync/sync/plan_mailboxes.h"
#include "libsync/sync/sync.h"

namespace libsync::sync {

// Rows of a run of which a million may be neighbours.
class RowSet {
 public:
  void insert(RowId id) { keys_.add({.number = static_cast<uint64_t>(id)}); }
  bool contains(RowId id) const { return keys_.contains({.number = static_cast<uint64_t>(id)}); }

 private:
  KeySet keys_;
};

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
  RowSet downloaded{};             // in this run: their octets came from the server as it is now
  RowSet compared{};               // in this run: the server's octets, or their header, are those that are here
  std::vector<RowId> last{};       // Doubt::BrokeOff: not added with the others
  RowId ended_in = 0;              // the message in which the connection ended; 0: in none

  uint64_t look = 0;  // the number of the look under way, or of the next

  std::set<PairId> absorbed{};
  // Mailboxes of a side that this run did something in, and those whose last look says nothing of what is not there.
  std::array<std::set<PairId>, 2> touched{}, unreliable{};
  // Mailboxes went along with one that was renamed: where names are their ids, only a list tells those.
  bool children_renamed = false;
  // Rows of which a side took nothing in this run, for a reason that may have passed by the next.
  std::set<RowId> not_now{};
  bool boxes_missing = false;  // since the mailboxes were listed
  // Rows of which a side said OK, without saying that it did what was asked; and its words.
  std::map<RowId, std::string> said_ok{};
  std::chrono::milliseconds pause_wanted{0};
  std::string pause_words{};
  // Numbers what comes behind; written down with what is asked. Inside a batch of the caller's.
  Status close_look();
  void note_pause(std::chrono::milliseconds wanted, const std::string& words);

  Replica& replica(Side side) const { return side == Side::A ? a : b; }
  bool takes_part(const Path& path) const;
  Path translate(Side from, const Path& path) const;
  void skip(const Path& path, std::string why);  // a mailbox, once
  // What we did ourselves is no news at the next look, unless something came between. Written down in the end: a
  // cursor that a crash leaves behind only shows our own doing once more.
  void absorb(Side side, Pair& pair, const Outcome& outcome);
  void absorb(Side side, PairId pair, const std::string& before, const std::string& now);
  Status write_absorbed();
  // What became of an action, for the log: written with the row it speaks of (note.cc).
  std::vector<Event> notes{};
  void note(const Row& row, const Planned& planned, Event::What what, std::string_view words = {});
  void note(Side on, const Action& action, const Outcome& outcome);  // on a mailbox
  Status write_notes();
  Status close_log();  // at the end: what is left, and what is too old
  // Where a half is, for a person: "INBOX/8812".
  std::string place(const Half& half, Side side) const;
  std::string_view where(Side side) const;  // "on the server", "here"
};

// How many rows are worked on at a time: bounds memory whatever the size of the mailbox.
inline constexpr size_t kRowsAtOnce = 16'000;
// The same where the next ones are planned while these are on their way, so that two such lots are in memory.
inline constexpr size_t kRowsOnTheWay = 4'000;
// The first of those: the sooner it is planned, the sooner something is on its way.
inline constexpr size_t kRowsToBegin = 1'000;

// Carries out one action; `done` runs inside the replica's transaction.
Status apply_one(Run& run, Side side, const Action& action, const std::function<Status(const Outcome&)>& done);

// Mailboxes (pair_mailboxes.cc, mailboxes.cc).
Status pair_mailboxes(Run& run);
// If both are there, then under the names that they are to have.
void agree_on_names(Pair& pair);
// `side` has a new name: one that was not made on the other side yet is to be called so there.
void follow_name(const Run& run, Side side, Pair& pair);
std::vector<BoxCursor> cursors_of(const Run& run, Side side);
// Mailboxes of a side that are gone: found again under another name, or their messages marked as gone.
Status settle_missing(Run& run, Side side, const std::vector<PairId>& missing);
Status create_and_rename_mailboxes(Run& run);
Status delete_mailboxes(Run& run);

// Finds out which messages that seem new on `side` are ones that lost their place there (rebind.cc).
Status rebind(Run& run, Side side);
// Makes the prints of messages anew, with the size that side A announces, from what side B has.
Status renew_prints(Run& run, std::span<const RowId> ids);
// What was asked and has no answer: the look that came before says what became of it (asked.cc). Behind rebind().
Status settle_asked(Run& run, Side side);
// Messages that are new on both sides, in one mailbox, and the same: they become one (adopt.cc).
Status adopt(Run& run);
// The user's word that what lost its place may go (rebind.cc).
Status release_suspects(Run& run);

// The prints of the rows' messages on `side`, by their header; "" where it can't be read. The one in whose header the
// connection ends gets the doubt `ended_in`; where that is BrokeOff, HeaderBroke the first time.
Result<std::vector<Id>> fetch_prints(Run& run, Side side, std::span<Row* const> rows, Doubt ended_in);

// The connection ended in this message of side A: remembered in the row, as Doubt::BrokeOff or Doubt::ReadLast, which
// is written (last.cc).
Status broke_off(Run& run, Row& row, Doubt doubt);
// Tells of it where the error itself has nothing more to say.
Status with_end_told(const Run& run, Status status);

// Reads those of the rows that `doubtful` picks from side A once more and compares them with what is stored. What
// differs becomes a message of its own; what can't be read now stays as it is (read_again.cc).
Status read_again(Run& run, std::vector<Row>& rows, const std::function<bool(const Row&)>& doubtful);
// The same for every row with Doubt::ReadAgain.
Status read_doubtful_again(Run& run);

// `row` keeps what is stored, and has no place on side A any more; what side A has there becomes a row of its own
// (read_again.cc). The caller writes `row`.
Status set_apart(Run& run, Row& row);
// The first half of that.
void lose_place(Row& row);

// What side B found damaged of its contents, read from side A again (mend.cc). Ids, flags and places stay. Of several
// messages with the same octets one is read; another only where that one did not help.
class Mender {
 public:
  explicit Mender(Run& run) : run_(run) {}
  Status look();  // which messages
  uint64_t messages() const { return messages_; }
  uint64_t octets() const { return octets_; }
  bool damaged(const Id& content) const { return damaged_.contains(content); }
  Status mend();             // all but those that are read last
  Status mend(RowId which);  // this one

 private:
  TransferItem item(const Row& row, const Pair& pair) const;
  Status mend_some(std::span<const RowId> ids);
  Status drop_replaced(const std::vector<RowId>& ids);
  Run& run_;
  std::map<Id, std::vector<RowId>> damaged_;  // contents, and who has them: those to be read with the others
  std::set<Id> whole_;                        // mended
  uint64_t messages_ = 0, octets_ = 0;
  std::vector<Id> lost_;
};

// Flags, adds, moves and removals of single messages, all but Doubt::BrokeOff (act.cc).
Status act_on_messages(Run& run);
// Adds one of those.
Status add_one(Run& run, RowId id);

// The messages in which a connection ended, one by one and last: a server that ends it there each time keeps nothing
// else away (last.cc). Where removals take effect only at the end of the session, that is no place behind them: then
// this comes before the removals, and when it has ended in it a few times, one run does the removals alone.
class LastOnes {
 public:
  // Once may be the line's fault; twice in a row, with nothing before it but what is new, hardly.
  static constexpr uint64_t kEndsBeforeRemovals = 2;

  LastOnes(Run& run, Mender& mender) : run_(run), mender_(mender) {}
  Status look();  // which they are; behind act_on_messages()
  bool removals_first() const { return turn_.ended >= kEndsBeforeRemovals && !rows_.empty(); }
  Status read();
  // Names those that stay on the server for it; `passed_over`: read() was not called, because there are removals.
  Status tell_left(bool passed_over);
  Status removals_done();  // they took effect: the next run begins with these again
  const std::vector<RowId>& came() const { return came_; }

 private:
  Status read_one(RowId id);
  Status set_turn(Link::Turn turn);
  Run& run_;
  Mender& mender_;
  std::vector<RowId> rows_;
  std::vector<RowId> came_;  // read, with success
  Link::Turn turn_{};
};

// POP3's "leave nothing on the server" (leave.cc): marks on side A what is durable on side B. The
// removals take effect, and are reported, when finish_leaving() has ended the session.
class Leaver {
 public:
  explicit Leaver(Run& run) : run_(run) {}
  Status mark();
  Status mark(const std::vector<RowId>& ids);  // these alone
  Status finish();
  bool any() const { return any_; }  // something was marked

 private:
  Status look_at_all();
  Status look_at(std::vector<Row>& rows);
  Status mark_rows(const std::vector<Row>& rows);
  Status doubt_by_print(std::vector<Row>& rows);
  Status doubt_until_acknowledged(const std::vector<Action>& actions);
  static bool ours(const Row& row);
  std::vector<Action> removals(const std::vector<Row>& rows);
  // What speaks against removing the message on the server.
  std::optional<std::string> why_not(const Row& row) const;
  Run& run_;
  bool any_ = false;
};

}  // namespace libsync::sync

// The link: what two replicas last agreed on, and what each last showed (docs/architecture.md). Three trees in
// one table: a Row is one message with its half on either side and the agreed base between them.
//
// The engine speaks to it through this interface; store/link_table.h keeps it in SQLite, where the
// rows commit in the same transaction as the messages they speak of.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/result.h"
#include "libsync/sync/key_set.h"
#include "libsync/sync/replica.h"

namespace libsync::sync {

// The two ends of a link. In a mirror A is the server and B the local store.
enum class Side : uint8_t { A = 0, B = 1 };
constexpr Side other(Side side) { return side == Side::A ? Side::B : Side::A; }
constexpr size_t index(Side side) { return static_cast<size_t>(side); }

using PairId = int64_t;  // 0: none
using RowId = int64_t;   // 0: not stored yet

enum class At : uint8_t {
  Absent = 0,   // never was on this side
  Bound = 1,    // there, under `key` in `pair`
  Unbound = 2,  // was there; its key is not known any more (UIDVALIDITY changed)
  Gone = 3,     // was there and is no more
};

// What is doubtful about a row's content.
enum class Doubt : uint8_t {
  None = 0,
  // To be read from side A once more and compared: fewer octets came than were announced, from a replica that
  // can't count them (Capabilities::counted_fetch), or the key now stands for a message of another size or date.
  ReadAgain = 1,
  // Another session brought the same octets, fewer than announced. They are kept, not read a third time, and
  // nothing is removed on the server for them.
  Short = 2,
  // Not here yet: the connection ended in it, or twice in its header. It is fetched behind all others, or it would keep
  // them away if the server ends there each time.
  BrokeOff = 3,
  // Here, and to be read and compared like ReadAgain, or read because it is damaged; the connection ended in it when
  // that, or its header, was asked for. Behind all others, for the same reason. Or it came in a session that broke the
  // protocol, and may be another's.
  ReadLast = 4,
  // The connection ended in its header once, which may have been an accident: the header is asked for once more, behind
  // the others. After a second time it is BrokeOff.
  HeaderBroke = 5,
  // Put on side A by this program, and not seen there yet: it may count other octets, and keep another date.
  Unseen = 6,
};

// What a side was asked to do about a message, and did not say where that led: written down before it is asked, for it
// can't be asked twice. The next look tells (asked.cc).
enum class Asked : uint8_t {
  Nothing = 0,
  Sent = 1,   // no answer yet: what the look doesn't show did not happen
  Taken = 2,  // the side said OK, and not where the message is now (no UIDPLUS)
  Flags = 3,  // to have `Half::sent`; no answer yet
};

// What a side refused: not asked again before `until`, or the message changes.
struct Refusal {
  static constexpr int64_t kForGood = INT64_MAX;
  uint32_t ops = 0;   // a bit for each Op
  int64_t until = 0;  // unix seconds
  std::string words{};
  bool stands(Op op, int64_t now) const { return (ops & bit(op)) != 0 && now < until; }
  static constexpr uint32_t bit(Op op) { return 1U << static_cast<unsigned>(op); }
  bool operator==(const Refusal&) const = default;
};

// What a person answered about a message that waits (answer.h).
enum class Answer : uint8_t {
  None = 0,
  Accept = 1,   // it may be removed, whatever the fuse says
  Restore = 2,  // it is brought back to the side where it is missing
  Unlink = 3,   // both sides stay as they are: nothing is done about it any more
};

// One side of a row. `pair` names the mailbox: each mailbox of a side belongs to exactly one pair.
//
// A message that is being added is Unbound in the mailbox it is to be in, with the flags it was sent with. One that is
// being moved is Bound where it was, and `to` says where to. Of one whose flags are being changed `sent` is what it
// then has: without it, a change that was taken and not answered looks like somebody else's.
struct Half {
  At at = At::Absent;
  PairId pair = 0;
  Key key{};
  Flags flags{};
  Id instance{};
  Asked asked = Asked::Nothing;
  Flags sent{};
  PairId to = 0;
  uint64_t asked_look = 0;  // the look before it was asked: what that, or one before it, showed is something else
  std::optional<Refusal> blocked{};
  bool operator==(const Half&) const = default;
};

struct Row {
  RowId id = 0;
  std::array<Half, 2> side{};
  PairId home = 0;  // where both agreed it is; 0: not agreed yet
  Flags base{};     // the flags both agreed on
  bool agreed = false;
  bool dirty = false;    // the three trees differ: the plan looks at it
  bool suspect = false;  // lost its key and found no match: held until the user decides
  // On one side only: where it was copied from, on its way to another mailbox, by a side that can't move. To be removed
  // there, whatever the fuse says.
  bool leftover = false;
  uint64_t size = 0;    // octets as side A announces, or will; if it was never there, as B does
  uint64_t size_b = 0;  // octets as side B says; 0: as side A (a server may count others, or have CRLF for LF)
  uint64_t look = 0;    // the look that showed it first
  std::optional<int64_t> date{};
  Id object{};            // Facts::object of side A, if it has one
  Id print{};             // print_of() the content, with the size as side A announces it
  Id content{};           // Facts::object of what is durable on side B ("sha256:…"); empty: nothing yet, or unknown
  bool inferred = false;  // `content` comes from a match by print, not from the server's octets
  Doubt doubt = Doubt::None;
  Answer answer = Answer::None;

  Half& half(Side s) { return side[index(s)]; }
  const Half& half(Side s) const { return side[index(s)]; }
  uint64_t size_on(Side s) const { return s == Side::B && size_b != 0 ? size_b : size; }
  const Id& object_on(Side s) const { return s == Side::A ? object : content; }
};

// Two mailboxes that are one.
struct Pair {
  PairId id = 0;
  struct End {
    BoxId box{};  // empty: does not exist on this side (yet, or any more)
    Path path{};  // where it is, or is to be, on this side
    Path base{};  // its name when both sides last agreed; empty: they did not yet
    // What it was asked to be called, alone or with its parent; empty: nothing was asked, or it is known what came of
    // it. Without this, an empty one of a side that has no ids is not known again.
    Path renaming{};
    uint64_t epoch = 0;
    std::string cursor{};
    bool missing = false;  // was there and is known to be gone
    bool subscribed = false;
    std::optional<FlagMask> mask{};  // what can be stored there, as told when it was last opened
    bool read_only = false;          // likewise
    bool operator==(const End&) const = default;
  };
  std::array<End, 2> end{};
  Role role = Role::None;
  std::optional<bool> subscribed{};  // as both agreed

  End& at(Side s) { return end[index(s)]; }
  const End& at(Side s) const { return end[index(s)]; }
};

enum class Reason : uint8_t;  // plan.h

// Something that was done about a message or a mailbox, or was refused: an entry of the log.
struct Event {
  enum class What : uint8_t {
    Done = 0,
    Refused = 1,  // asked again when the message changes
    PutOff = 2,   // tried again by the next sync
    Command = 3,  // done here by a person: `by`
  };
  int64_t id = 0;
  int64_t time = 0, first = 0;  // seconds since 1970; the first of `times`
  uint64_t times = 1;           // in a row
  What what = What::Done;
  Op op = Op::Flags;
  Side on = Side::A;
  Reason reason{};
  RowId row = 0;
  Id message{};             // Half::instance of side B; empty: of a mailbox, or of a message that is not there
  std::string folder{};     // where it is, or was, on that side; of Add, and of a mailbox: which
  std::string to_folder{};  // of Move, Copy and RenameBox
  std::string key{};        // what side A calls it
  std::string flags{};      // of Flags: "+seen -later"
  std::string words{};      // of what refused it
  std::string by{};         // the command
};

// What the log keeps at most: days, entries, and octets of each text in one.
inline constexpr int64_t kEventSeconds = int64_t{30} * 86400;
inline constexpr int64_t kMaxEvents = 100'000;
inline constexpr size_t kMaxEventText = 500;

// One thread at a time. Rows handed out are copies.
class Link {
 public:
  virtual ~Link() = default;

  // What is written between begin() and commit() happens wholly or not at all. Inside a transaction
  // that is open already (the store's) it is part of that.
  class Batch {
   public:
    virtual ~Batch() = default;  // without commit(): undone
    virtual Status commit() = 0;
  };
  virtual Result<std::unique_ptr<Batch>> begin() = 0;
  // The same for what was seen or answered, which another look shows again: whole, and behind all that was written
  // before it, but safe from a power loss only with the next begin() that commits. Nothing is asked of a side on the
  // strength of it before that.
  virtual Result<std::unique_ptr<Batch>> begin_later() { return begin(); }

  // A link with the same rows, for a dry run: what is written to it goes with it. While it lives it stands before this
  // one, which is not to be used, and must outlive it.
  virtual Result<std::unique_ptr<Link>> copy() = 0;

  // Which replica the side belongs to; empty before the first sync.
  virtual Result<std::string> identity(Side side) = 0;
  virtual Status set_identity(Side side, std::string_view identity) = 0;

  virtual Result<std::vector<Pair>> pairs() = 0;
  virtual Result<PairId> put(const Pair& pair) = 0;  // inserts when id is 0, else replaces
  virtual Status drop_pair(PairId id) = 0;           // it has no rows any more

  virtual Result<std::optional<Row>> find(Side side, PairId pair, const Key& key) = 0;  // Bound halves only
  virtual Result<std::optional<Row>> get(RowId id) = 0;
  virtual Result<RowId> put(const Row& row) = 0;
  virtual Status erase(RowId id) = 0;

  // Dirty rows in order of id, after `after`, at most `limit`.
  virtual Result<std::vector<Row>> dirty(RowId after, size_t limit) = 0;
  // Of those, the agreed ones that one side shows as gone, without leftovers and those accepted: what the fuse weighs.
  virtual Result<std::vector<Row>> dirty_gone(RowId after, size_t limit) = 0;
  // Messages that are on one side only, and their octets as announced: what a transfer has before it.
  struct Pending {
    uint64_t messages = 0, octets = 0;
  };
  virtual Result<Pending> pending() = 0;
  // Rows Bound on `side` in `pair`, in order of id.
  virtual Result<std::vector<Row>> bound(Side side, PairId pair, RowId after, size_t limit) = 0;
  virtual Result<uint64_t> count_bound(Side side, PairId pair) = 0;
  virtual Result<bool> any_bound(Side side, PairId pair) = 0;
  // Rows Bound on side A with this doubt, ReadAgain or ReadLast, in order of id.
  virtual Result<std::vector<Row>> doubtful(Doubt doubt, RowId after, size_t limit) = 0;
  // Rows Bound on side A whose `content` is one of these, in order of id.
  virtual Result<std::vector<Row>> holding(std::span<const Id> contents, RowId after, size_t limit) = 0;
  // Rows whose half on `side` is Gone or Unbound, or asked to be moved, and whose content had this size there: whom a
  // message that seems new on that side may turn out to be.
  virtual Result<std::vector<Row>> lost(Side side, uint64_t size, size_t limit) = 0;
  virtual Result<bool> any_lost(Side side) = 0;
  // Rows of which `side` was asked something (Half::asked), in order of id.
  virtual Result<std::vector<Row>> asked(Side side, RowId after, size_t limit) = 0;
  // Rows Bound on `side` with these octets (Row::object_on(side)), not suspect and of nothing asked: one of them can be
  // copied there instead of being brought again.
  virtual Result<std::vector<Row>> same_octets(Side side, const Id& object, size_t limit) = 0;
  // Makes same_octets() quick for side B; for links of which side A is ever added to.
  virtual Status index_contents() = 0;
  // Agreed rows of the pair: the fuse measures removals against them.
  virtual Result<uint64_t> count_agreed(PairId pair) = 0;
  virtual Result<uint64_t> count_suspect() = 0;

  // The mailbox has a new epoch: every half Bound there becomes Unbound and dirty.
  virtual Status unbind(Side side, PairId pair) = 0;
  // Halves Bound there whose key is not in `seen` become Gone and dirty; how many.
  virtual Result<uint64_t> vanish_unseen(Side side, PairId pair, const KeySet& seen) = 0;

  // Looks are numbered, so that what showed before something was asked is not taken for what came of it. The number is
  // written down with what was asked.
  virtual Result<uint64_t> look() = 0;
  virtual Status set_look(uint64_t number) = 0;

  // Whose turn it is among the messages that are read last (Doubt::BrokeOff, Doubt::ReadLast).
  struct Turn {
    RowId after = 0;     // those behind this row come first: the connection ended in it last time
    uint64_t ended = 0;  // how many runs in a row it ended in one of them
    bool operator==(const Turn&) const = default;
  };
  virtual Result<Turn> turn() = 0;
  virtual Status set_turn(Turn turn) = 0;

  // Rows with an answer, in order of id.
  virtual Result<std::vector<Row>> answered(RowId after, size_t limit) = 0;

  // The log. Where the last entry of its row was the same refused or put off, that counts once more, with the new
  // words.
  virtual Status record(const Event& event) = 0;
  // The last `limit` entries, in order: of one message (Event::message), or of all; not older than `since`.
  virtual Result<std::vector<Event>> events(const Id& message, int64_t since, size_t limit) = 0;
  virtual Status drop_events(int64_t before) = 0;

  // Removals that were inferred from absence and carried out, for the fuse's memory.
  virtual Status record_removals(PairId pair, int64_t unix_seconds, uint64_t count) = 0;
  virtual Status forget_removals() = 0;  // the user answered for them
  virtual Result<uint64_t> removals_since(std::optional<PairId> pair, int64_t unix_seconds) = 0;
};

}  // namespace libsync::sync

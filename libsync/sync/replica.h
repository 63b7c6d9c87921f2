// The replica port: everything that holds mail stands behind it (docs/architecture.md). A sync is two replicas,
// the link between them, a plan and its execution; which protocol is behind a replica shows only in
// its capabilities.
//
// The port is synchronous and works in batches, so that an IMAP replica can pipeline and a plugin can
// implement it. A replica belongs to one thread at a time. Every call that may wait takes a stop_token
// and ends soon (Errc::Cancelled) after it is asked to.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/base/result.h"

namespace libsync::sync {

// What a replica calls a mailbox, stable for as long as it can tell: OBJECTID's MAILBOXID, a row id,
// else the encoded path. Opaque to the engine.
using BoxId = std::string;
// Opaque digests and identifiers; empty: unknown.
using Id = std::string;
// Components of a mailbox's name in UTF-8, never a joined string. INBOX is {"INBOX"} in capitals.
using Path = std::vector<std::string>;

// How a message is named inside its mailbox: by number (IMAP's UID) or by name (POP3's UIDL).
struct Key {
  uint64_t number = 0;
  std::string name{};  // used when number is 0
  auto operator<=>(const Key&) const = default;
};

// Where a message is on one side. Dies with the epoch (UIDVALIDITY).
struct MsgRef {
  BoxId box;
  uint64_t epoch = 0;
  Key key{};
  bool operator==(const MsgRef&) const = default;
};

// IMAP's system flags (RFC 3501, section 2.3.2). \Recent is a server's session state and not kept.
enum Flag : uint32_t { kSeen = 1, kAnswered = 2, kFlagged = 4, kDeleted = 8, kDraft = 16, kAllSystemFlags = 31 };

// Keywords are unique and sorted without regard to ASCII case (RFC 9051, 2.3.2); keep them so with
// add_keyword().
struct Flags {
  uint32_t system = 0;
  std::vector<std::string> keywords{};
  void add_keyword(std::string_view keyword);
  bool operator==(const Flags& other) const;  // keywords compare without regard to ASCII case
};

// Which flags a replica can keep in a mailbox (PERMANENTFLAGS).
struct FlagMask {
  uint32_t system = 0;
  bool any_keyword = false;             // \*
  std::vector<std::string> keywords{};  // those that can be kept when any_keyword is false
  bool operator==(const FlagMask&) const = default;
};

// What is known of a message without reading it.
struct Facts {
  Flags flags{};
  bool knows_flags = true;        // false: they can't be told now; what was known of them stays
  uint64_t size = 0;              // octets, as the replica says: may be wrong (Exchange, some POP3 servers)
  std::optional<int64_t> date{};  // INTERNALDATE, seconds since 1970 UTC
  Id instance{};                  // follows moves, not shared by copies (row of a store, unique part of a Maildir name)
  Id object{};                    // same octets (EMAILID, X-GM-MSGID, "sha256:…"); copies share it
  Id print{};                     // digest of the header and size: the weakest
};

// RFC 6154, and what providers call them.
enum class Role { None, Inbox, All, Archive, Drafts, Flagged, Junk, Sent, Trash, Important };

struct Mailbox {
  BoxId id;
  Path path;
  Role role = Role::None;
  bool selectable = true;
  bool subscribed = false;
  // Why it can't be mirrored, although it is there; then not selectable, `path` what can be shown of its name
  // and `id` nobody's. Empty: nothing is wrong with it.
  std::string trouble{};
};

struct Rights {
  bool read_only = false;
  bool add = false, remove = false, set_flags = false;
};

struct BoxState {
  uint64_t epoch = 0;  // UIDVALIDITY; 0 where keys never change their meaning
  bool full = false;   // seen() comes for every message: what is not seen is gone
  // Its numbers went backwards, and the epoch is the same: it was restored from a backup, most likely, and nobody
  // removed what is not there.
  bool rewound = false;
  FlagMask storable{};
  Rights rights{};
};

// Keys from first to last, both included; for mailboxes whose keys are numbers.
struct KeyRange {
  uint64_t first = 0, last = 0;
};

// Takes what changes() found, in this order per mailbox: open, any number of seen and vanished, close.
// Mailboxes do not interleave. A status that is not OK makes changes() return it at once.
class ChangeSink {
 public:
  virtual ~ChangeSink() = default;
  virtual Status open(const BoxId& box, const BoxState& state) = 0;
  // A message that is there: new, or perhaps with other flags. Says nothing of the ones not seen,
  // unless the state said `full`.
  virtual Status seen(const MsgRef& ref, const Facts& facts) = 0;
  virtual Status vanished(const BoxId& box, uint64_t epoch, const Key& key) = 0;
  // Instead of vanished() calls, where the replica can list what is there but not what went (CONDSTORE
  // without QRESYNC): every message whose key lies in no range has vanished. At most once per mailbox,
  // behind the last seen().
  virtual Status present(const BoxId& box, std::span<const KeyRange> ranges) = 0;
  // `exists`: how many messages the replica says are there; the engine checks its own count against
  // it, and a difference leads to a full look, never to a delete. `next` is the cursor for the next
  // changes() and counts only if this call returns OK.
  virtual Status close(const BoxId& box, std::string_view next, uint64_t exists) = 0;
  // The mailbox is known not to exist any more (not merely absent from a listing).
  virtual Status missing(const BoxId& box) = 0;
  // The mailbox is there, or may be, but can't be looked at now (no permission, damaged on the server).
  // Outside open() and close(). An OK lets changes() go on with the others.
  virtual Status unreadable(const BoxId& box, const Error& error) {
    (void)box;
    return fail(error);
  }
};

// What to look at: a mailbox and the opaque token of the last look ("" for the first, or to ask for a
// full one).
struct BoxCursor {
  BoxId box;
  std::string cursor{};
};

enum class FetchPart { Whole, Header };

struct FetchItem {
  uint64_t token = 0;  // the caller's, handed back
  MsgRef ref;
  FetchPart part = FetchPart::Whole;
  uint64_t size = 0;  // as Facts said; 0 if unknown. Lets a replica batch by bytes
};

// Takes fetched messages, in any order, one at a time: begin, data…, then end. A connection lost in
// the middle means no end(): what came of that message is void. A status that is not OK makes fetch()
// return it at once.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  virtual Status begin(uint64_t token, uint64_t size_announced) = 0;
  virtual Status data(std::string_view bytes) = 0;  // valid during the call only
  virtual Status end(uint64_t token) = 0;
  // This one cannot be had: gone (Errc::NotFound), or the server's refusal. Others go on.
  virtual Status failed(uint64_t token, const Error& error) = 0;
  // The connection ended in this one, or where it was to begin; fetch() gives the error next. Said of one at most,
  // as far as the replica can tell.
  virtual void broke_off(uint64_t token) { (void)token; }
  // This one ended, and may be another's: answers that have no names (RETR's) came until one did not, and it may be an
  // earlier one that was left out. Said when the connection has ended.
  virtual void uncertain(uint64_t token) { (void)token; }
};

// The octets of a message to add, in pieces, front to back.
class ContentSource {
 public:
  virtual ~ContentSource() = default;
  virtual std::optional<uint64_t> size() const = 0;  // exact, if known beforehand
  virtual Result<std::string_view> next() = 0;       // valid until the next call; empty: the end
  // Begins anew with the first octet, for a replica that has to say beforehand what it sends. Errc::Internal where that
  // can't be (what comes off a connection).
  virtual Status rewind() { return fail(Errc::Internal, "content that can be read only once"); }
  virtual Id print() const { return {}; }  // print_of_message(), if it was made already
};

// A message that is wholly in memory.
class StringSource : public ContentSource {
 public:
  explicit StringSource(std::string octets, Id print = {}) : octets_(std::move(octets)), print_(std::move(print)) {}
  std::optional<uint64_t> size() const override { return octets_.size(); }
  Result<std::string_view> next() override {
    if (std::exchange(given_, true)) return std::string_view();
    return octets_;
  }
  Status rewind() override {
    given_ = false;
    return {};
  }

  Id print() const override { return print_; }

 protected:
  std::string octets_;

 private:
  Id print_;
  bool given_ = false;
};

enum class Op { CreateBox, RenameBox, Subscribe, Flags, Add, Mend, Copy, Move, Remove, DeleteBox };

// One thing to do on a replica. Which members count depends on `op`:
//   CreateBox path (role) subscribed · RenameBox box path · Subscribe box subscribed · Flags ref add del · Add box add
//   date content · Mend known content (box add date): octets that the replica has and found damaged, brought again;
//   Outcome::content says what came; where that is something else it is added to the box, or without one nothing is
//   changed · Copy, Move ref box · Remove ref · DeleteBox box
struct Action {
  uint64_t token = 0;  // the caller's, handed back
  Op op = Op::Flags;
  MsgRef ref{};
  BoxId box{};
  Path path{};
  Role role = Role::None;
  bool subscribed = true;
  Flags add{}, del{};  // Flags: changed as a delta, so that what another client sets meanwhile stays
  std::optional<int64_t> date{};
  uint64_t size_expected = 0;        // Remove: act only if the message still has this size (0: unchecked)
  ContentSource* content = nullptr;  // Add; not owned
  Id known{};                        // Mend; Add without `content`: octets that the replica has already (Facts::object)
};

enum class Did {
  Ok,
  OkNoRef,  // done, but the new place is not known (no UIDPLUS)
  Marked,   // takes effect at finish() (POP3's DELE)
  Gone,     // the message is not there any more
  // The mailbox is not there any more, or is another by now (epoch, id). What became of the messages in it the next
  // look tells: it may have been renamed, or numbered anew.
  NoBox,
  Exists,  // the name is taken: an outcome of its own, never treated as Ok
  NotEmpty,
  Refused,  // not now: asked again another day
  Never,    // nor at any other time, as long as the message is as it is
  ReadOnly,
  Quota,
  Retry,    // may work soon
  Unknown,  // it may or may not have happened: only a look tells (a server that says OK, and of what without this one)
};

struct Outcome {
  Did did = Did::Ok;
  MsgRef ref{};                  // where the message is now (Add, Copy, Move), with did == Ok
  BoxId box{};                   // CreateBox, RenameBox: the mailbox's id from now on
  Id instance{};                 // Add: Facts::instance of the new message
  Id content{};                  // Add, Mend: Facts::object of what came, if the replica keeps digests
  std::optional<Flags> flags{};  // Flags: what the message has now, as the replica said; nothing: what was asked for
  // The cursors before and behind the action, if it is sure that nothing else lies between: of the mailbox that is
  // made, or that the message is in now; Flags, Move, Remove: of the one that it was in.
  std::string cursor_before{}, cursor{}, source_before{}, source{};
  std::string words{};                       // the server's words for anything but Ok
  std::chrono::milliseconds retry_after{0};  // Retry: how long the server wants to be left alone; 0: it did not say
};

class ActionSink {
 public:
  virtual ~ActionSink() = default;
  // Inside the replica's own transaction, if it has one: what the sink writes there commits with it.
  virtual Status done(uint64_t token, const Outcome& outcome) = 0;
  // Every done() so far survives a power loss.
  virtual Status durable() = 0;
};

struct Capabilities {
  bool folders = false;
  bool flags = false;
  bool keywords = false;
  bool append = false;
  bool move = false;
  bool remove = false;
  bool own_transaction = false;    // ActionSink::done() is called inside a transaction that the link's rows go into
  bool removes_at_finish = false;  // removals take effect only when finish() succeeds (POP3)
  bool change_tokens = false;      // changes() is cheaper than a full look
  bool partial_fetch = false;      // FetchPart::Header costs less than the whole
  bool push = false;               // wait() hears of changes
  bool stable_ids = false;         // keys survive between sessions (POP3 without UIDL: digests stand in)
  bool crlf = false;               // lines end with CRLF there: a bare LF of what is added becomes one
  bool counted_fetch = false;      // a fetched message has its length before it (IMAP's literal) and can't come short;
                                   // else only a mark in the text ends it (POP3's dot)
};

// Bytes and round trips so far, for reports. All zero for local replicas.
struct ReplicaCost {
  uint64_t bytes_in = 0, bytes_out = 0, round_trips = 0;
};

class Replica {
 public:
  virtual ~Replica() = default;

  virtual Capabilities capabilities() const = 0;

  // Which maildrop or account this is: the link refuses another one. Never a secret.
  virtual std::string identity() const = 0;

  virtual Result<std::vector<Mailbox>> mailboxes(std::stop_token stop) = 0;

  // Reports what changed since each cursor. A mailbox with nothing new may be passed over without a
  // call. A mailbox not found: missing() if the replica made sure (IMAP: a STATUS that says no).
  virtual Status changes(std::span<const BoxCursor> cursors, ChangeSink& sink, std::stop_token stop) = 0;

  virtual Status fetch(std::span<const FetchItem> items, MessageSink& sink, std::stop_token stop) = 0;

  // A message to give to this replica's apply(), once, its print made, and whatever else can be done beforehand: the
  // octets need not be in it any more. Called by one thread at a time, which may be another than the one inside
  // apply(); the source must not outlive the replica.
  virtual std::unique_ptr<ContentSource> prepare(std::string_view octets);

  // Carries out the actions in order, as if one after the other (a replica may send many at once), and calls done()
  // once for each. A status that is not OK means that the replica can't go on (connection lost, disk full): actions
  // without a done() did not happen, or their outcome is Unknown. What an action refers to has its epoch compared
  // before anything is done to it: Did::NoBox, or if only the message is not there any more, Did::Gone.
  virtual Status apply(std::span<const Action> actions, ActionSink& sink, std::stop_token stop) = 0;

  // Waits for a change until the deadline; returns the mailboxes to look at, empty at the deadline.
  virtual Result<std::vector<BoxId>> wait(Deadline deadline, std::stop_token stop) = 0;

  // Ends the session in an orderly way (QUIT, LOGOUT); reports what only now took effect: done() for
  // each action that was Marked, then durable(). Without it such actions did not happen.
  virtual Status finish(ActionSink& sink, std::stop_token stop) = 0;

  virtual ReplicaCost cost() const { return {}; }
};

}  // namespace libsync::sync

// A server, and devices that sync with it: replicas and links in memory, with everything that can end at a step. What
// scenarios and random histories are played in.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libsync/replicas/memory.h"
#include "libsync/sync/memory_link.h"
#include "libsync/sync/sync.h"

#include "tests/support/lent_replica.h"

namespace twinbox::plan {

namespace sync = libsync::sync;

// What a server can do, and what it tells.
struct Abilities {
  std::string_view name;
  libsync::replicas::MemoryTraits traits{};
  bool refs = true;      // UIDPLUS: says where a message went
  bool keywords = true;  // can be stored
};

// "full", "no_move", "no_refs" and so on: at least one of each that the engine has to do without.
const std::vector<Abilities>& abilities();
const Abilities& abilities(std::string_view name);

// A moment that does not pass.
class FixedClock final : public libsync::Clock {
 public:
  libsync::Steady::time_point now() const override { return {}; }
  int64_t unix_seconds() const override { return 1'700'000'000; }
};

class Nobody final : public sync::SyncObserver {
 public:
  void planned(uint64_t, uint64_t) override {}
  void carried(uint64_t, uint64_t) override {}
  void action(const std::string&) override {}
};

// How a sync ends early.
enum class End {
  Crash,      // the process: nothing is written any more
  CutBefore,  // the connection, before the server takes what it is asked
  CutAfter,   // the connection, before the server's answer
};

// Counts what a sync does, and ends it at one of these steps.
class Steps {
 public:
  static constexpr uint64_t kNever = UINT64_MAX;
  // `of_questions`: only what the server is asked to do is counted, not what it is asked to tell.
  void begin(uint64_t end_at = kNever, End how = End::Crash, bool of_questions = false) {
    taken_ = questions_ = 0;
    end_at_ = of_questions ? kNever : end_at;
    end_question_ = of_questions ? end_at : kNever;
    how_ = how;
    ended_ = false;
  }
  // Whether it goes on. What is asked of the server can be cut; what is written can't.
  bool take(bool of_server) {
    if (ended_) return false;
    if (of_server && taken_ >= meanwhile_at && meanwhile) std::exchange(meanwhile, nullptr)();
    if (taken_++ == end_at_ && (how_ == End::Crash || of_server)) ended_ = true;
    return !ended_;
  }
  // The answer to what take() allowed.
  bool answered() const { return !cut_after_; }
  bool take_question() {
    cut_after_ = false;
    const bool here = questions_++ == end_question_;
    if (how_ == End::CutAfter && !ended_ && (here || taken_ == end_at_)) {
      ++taken_;
      cut_after_ = ended_ = true;
      return true;
    }
    if (here) ended_ = true;
    return take(true);
  }
  // Somebody else's doing, at one of the steps of a sync.
  std::function<void()> meanwhile{};
  uint64_t meanwhile_at = kNever;

  bool crashed() const { return ended_ && how_ == End::Crash; }
  bool ended() const { return ended_; }
  uint64_t taken() const { return taken_; }

 private:
  uint64_t taken_ = 0, end_at_ = kNever;
  uint64_t questions_ = 0, end_question_ = kNever;
  End how_ = End::Crash;
  bool ended_ = false, cut_after_ = false;
};

// The link of a process that may end: what was not committed by then is gone, and nothing more is written.
class MortalLink final : public sync::MemoryLink {
 public:
  explicit MortalLink(Steps& steps) : steps_(steps) {}
  libsync::Result<std::unique_ptr<Batch>> begin() override;
  libsync::Result<sync::PairId> put(const sync::Pair& pair) override;
  libsync::Result<sync::RowId> put(const sync::Row& row) override;
  libsync::Status erase(sync::RowId id) override;
  void hold(bool on) { held_ = on; }  // inside the store's own transaction

 private:
  class CountedBatch;
  libsync::Status write();
  Steps& steps_;
  int depth_ = 0;
  bool held_ = false;
};

struct Device {
  explicit Device(std::string name)
      : store({.objects = true, .identity = std::move(name)}), link(std::make_unique<MortalLink>(steps)) {}
  libsync::replicas::MemoryReplica store;
  Steps steps{};
  std::unique_ptr<MortalLink> link;
};

struct Ran {
  libsync::Status status{};
  sync::SyncReport report{};
  uint64_t fetched = 0, uploaded = 0;  // messages whose octets went over the line
};

class World {
 public:
  explicit World(const Abilities& abilities, size_t devices = 1);

  libsync::replicas::MemoryReplica server;
  std::vector<std::unique_ptr<Device>> devices;
  sync::Policy policy;
  bool match_roles = false;
  std::string* story = nullptr;  // where what is asked and answered is told, a line each

  Ran sync(size_t device = 0);
  // Ends at a step. `allow`: the user's word for the fuse and for what is suspect.
  Ran sync(size_t device, uint64_t end_at, End how, uint64_t allow = 0, bool of_questions = false);

  const Abilities& can() const { return abilities_; }

 private:
  const Abilities& abilities_;
};

// The name of a message with these octets.
std::string name_of(std::string_view octets);

// The mail of a replica, one line a mailbox, in order: "INBOX: a b+seen+flagged; Work: c". A message is known by its
// subject. With `subscribed`, a mailbox that is has a '*' behind its name.
std::string show(const libsync::replicas::MemoryReplica& replica, bool subscribed = false);

// Makes the mail of such a line; mailboxes that are there already are filled.
// What a link still has to do, a line a row.
std::string show_dirty(sync::Link& link);

sync::Flags flags_from(std::string_view text);  // "+seen+todo"

void make(libsync::replicas::MemoryReplica& replica, std::string_view text);

// What a person or another program does there: "move a Work; flag b +seen -flagged +todo; del c; new d+seen INBOX;
// copy a Work; mkbox X; rmbox X; renbox X Y; sub X; unsub X; renumber X". "b@Work" is the one in that mailbox.
void act(libsync::replicas::MemoryReplica& replica, std::string_view text);

// "Subject: NAME" and a text; the same size for names of the same length.
std::string octets_of(std::string_view name);

// "Trash": the mailbox's role, as a server would say it by its name.
sync::Role role_of(std::string_view name);

}  // namespace twinbox::plan

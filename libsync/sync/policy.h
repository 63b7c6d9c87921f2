// What a sync may do on either side: the mode of an account as plain values: no errors, any thread.
#pragma once

#include <array>
#include <cstdint>

#include "libsync/sync/link.h"

namespace libsync::sync {

// What the sync may do to the replica on one side.
struct Can {
  bool create_box = false, rename_box = false, delete_box = false;
  bool add = false, flags = false, move = false, remove = false;
  bool to_trash = false;  // where `move`: to Trash too; else that counts as a removal
  // Its own changes of flags stay where the other side's flags may not be changed: only what changed there comes over.
  bool keeps_flags = false;
  bool operator==(const Can&) const = default;

  static constexpr Can nothing() { return {}; }
  static constexpr Can everything() {
    return {.create_box = true,
            .rename_box = true,
            .delete_box = true,
            .add = true,
            .flags = true,
            .move = true,
            .remove = true,
            .to_trash = true};
  }
  // All that makes it like the other side, but for what takes something away.
  static constexpr Can no_removals() {
    return {.create_box = true, .rename_box = true, .add = true, .flags = true, .move = true, .keeps_flags = true};
  }
  // POP3's model: what came down stays, whatever becomes of it on the server.
  static constexpr Can only_add() { return {.create_box = true, .add = true}; }
};

// What becomes of a message on side A once its content is durable on side B.
enum class Leave : uint8_t { Forever, Never };

// Removals inferred from absence: held when they are more than `percent` of the mailbox (or of the
// account) and more than `count`, the last `days` included. Both at once, so that neither emptying a
// small folder nor a large but usual clean-up trips it.
struct FusePolicy {
  unsigned percent = 25;
  uint64_t count = 20;
  unsigned days = 7;
  uint64_t allow = 0;  // the user's word for this run: up to so many may go
};

struct Policy {
  std::array<Can, 2> can{};
  Side wins = Side::A;  // whose place counts when both moved a message
  Leave leave = Leave::Forever;
  // Where A's flags may not be changed: what was changed on B stays, and only what changed on A comes over. Else B
  // follows A.
  bool keeps_flags = false;
  FusePolicy fuse{};

  const Can& on(Side s) const { return can[index(s)]; }
};

// Mode `two-way`: what is done on either side is done on the other, as far as side A can: one that can't be added to or
// removed from, or keeps no flags, is mirrored.
Policy two_way_policy(const Capabilities& remote, Leave leave);

// Mode `mirror`: side A is never changed (but for `leave`), side B follows it.
Policy mirror_policy(const Capabilities& remote, Leave leave);

// Mode `push`: side B is never changed, side A follows it, as far as it can: see above; else nothing is done.
Policy push_policy(const Capabilities& remote);

// Mode `archive`: side A is never changed, side B follows it in all but what takes mail away: removals, mailboxes that
// are deleted, moves to Trash. What was changed on B stays so.
Policy archive_policy(const Capabilities& remote, Leave leave);

// What either of two allows, side by side: of links whose mailboxes have several (SyncOptions::can_in says which).
Policy both_of(const Policy& one, const Policy& other);

}  // namespace libsync::sync

// What the store keeps, as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libsync/base/digest.h"
#include "libsync/base/result.h"
#include "libsync/sync/replica.h"

namespace libsync::store {

using MailboxId = int64_t;  // 0: none
using MessageId = int64_t;  // stable for the life of the store; what every command takes; never given again
using ContentId = int64_t;

struct MailboxInfo {
  MailboxId id = 0;
  sync::Path path{};
  sync::Role role = sync::Role::None;
  bool subscribed = false;
  uint32_t uidvalidity = 0;
  uint32_t uidnext = 1;
  uint64_t highestmodseq = 0;
  uint64_t messages = 0, unseen = 0;
  uint64_t octets = 0;  // of the messages as they came
};

// What lists show of a message's header: UTF-8, unfolded, as decoded by mime; not yet printable().
struct EnvelopeColumns {
  std::string subject{};
  std::string from{}, to{}, cc{};  // "Name <local@domain>, …"
  std::string message_id{}, in_reply_to{}, list_id{};
  std::optional<int64_t> date{};  // the Date field; seconds since 1970 UTC
};

struct MessageInfo {
  MessageId id = 0;
  MailboxId mailbox = 0;  // 0: removed (restorable)
  uint32_t uid = 0;
  uint64_t modseq = 0;
  sync::Flags flags{};
  int64_t internaldate = 0;        // as the server said; else the Date field; else when it was stored
  std::optional<int64_t> saved{};  // when it came into its mailbox; nothing: before version 6 of the tables
  uint64_t size = 0;               // octets
  ContentId content = 0;
  Sha256Digest sha256{};
  EnvelopeColumns envelope{};
  std::optional<int64_t> removed_at{};  // when it went to the quarantine
  sync::Path removed_from{};            // the mailbox it was in then
};

// One sync, for `status`. Zero id: not recorded yet.
struct Run {
  int64_t id = 0;
  int64_t started = 0, finished = 0;  // seconds since 1970 UTC
  bool ok = false;
  Error error{};  // when not ok; without retry_after
  uint64_t added = 0, flags = 0, moved = 0, removed = 0, skipped = 0, held = 0;
  uint64_t suspect = 0;   // messages that lost their place on the server
  uint64_t doubtful = 0;  // mailboxes of which the server counts other messages than it lists
  uint64_t refused = 0;   // messages of which a side refused a change; asked again when they change
  uint64_t octets = 0;    // of the messages added
  uint64_t bytes_in = 0, bytes_out = 0, round_trips = 0;
};

}  // namespace libsync::store

// Messages added by APPEND. Internal to the IMAP replica.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libsync/imap/append.h"
#include "libsync/replicas/imap_writing.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// One MULTIAPPEND command has at most so many messages and octets: if it is refused all of it goes out again.
inline constexpr size_t kAppendMessages = 100;
inline constexpr uint64_t kAppendOctets = uint64_t{1} << 20;
// A larger message is not held, but read a second time while it goes out.
inline constexpr uint64_t kMaxInMemory = uint64_t{1} << 20;
// Octets that go out ahead of the answers.
inline constexpr uint64_t kAppendOctetsInFlight = uint64_t{8} << 20;

// Of actions that add, to any mailboxes.
class ImapAdding {
 public:
  explicit ImapAdding(ImapWriting& writing) : w_(writing) {}
  void run(std::span<const sync::Action> actions);

 private:
  // Of one mailbox.
  struct Batch {
    std::string wire;
    std::vector<const sync::Action*> actions{};
    std::vector<imap::AppendMessage> messages{};
    uint64_t octets = 0;
  };

  void learn_limits(std::span<const sync::Action> actions);
  void add(const sync::Action& action, bool again);
  std::optional<imap::AppendMessage> prepare(const sync::Action& action, uint64_t& octets, bool again);
  std::optional<uint64_t> limit_of(const sync::Action& action) const;
  void send();
  void answered(const std::vector<const sync::Action*>& actions, const ImapReply& reply);

  ImapWriting& w_;
  Batch batch_;
  uint64_t in_flight_ = 0;
  std::deque<std::vector<const sync::Action*>> again_;  // refused together, to be sent apart
  std::optional<Error> unreadable_;                     // a source failed
};

}  // namespace libsync::replicas

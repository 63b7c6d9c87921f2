// Flags by UID STORE, as deltas. Internal to the IMAP replica.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "libsync/imap/store.h"
#include "libsync/replicas/imap_writing.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// Of actions on messages of one mailbox. What changes the same goes as one set; a message that is changed twice is
// changed in that order.
class ImapFlagging {
 public:
  explicit ImapFlagging(ImapWriting& writing) : w_(writing) {}
  void run(std::span<const sync::Action> actions);

 private:
  using Uids = ImapWriting::Uids;
  struct Waiting {
    const sync::Action* action = nullptr;
    std::optional<sync::Outcome> refused{};
    bool told = false;
  };
  struct Delta {
    std::string add, del;
    auto operator<=>(const Delta&) const = default;
  };

  void change();
  void store(const Uids& uids, imap::StoreHow how, const std::string& flags, bool last);
  void ask_again();
  void tell_heard(uint32_t uid);
  static bool done_to(const sync::Flags& flags, const sync::Action& action);

  ImapWriting& w_;
  std::map<uint32_t, Waiting> waiting_;  // each message once
};

}  // namespace libsync::replicas

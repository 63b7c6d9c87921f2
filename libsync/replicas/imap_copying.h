// Messages to other mailboxes by UID COPY and UID MOVE. Internal to the IMAP replica.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "libsync/replicas/imap_writing.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// Of actions that all copy or all move messages of one mailbox. Those with the same target go as one set. Where the
// server does not tell what it did (no UIDPLUS), it is asked what is there before, and behind a move.
class ImapCopying {
 public:
  explicit ImapCopying(ImapWriting& writing) : w_(writing) {}
  void run(std::span<const sync::Action> actions);

 private:
  using Uids = ImapWriting::Uids;

  void transfer();
  void send(const Uids& uids, const std::string& target);
  void answered(const Uids& uids, const std::string& target, const ImapReply& reply);
  std::vector<imap::CopiedUids> copied_of(const Uids& uids, const ImapReply& reply);
  Uids named(const Uids& uids, const ImapReply& reply);
  void settle_unnamed();
  void settle_untold();
  void tell(uint32_t uid, const sync::Outcome& outcome);

  ImapWriting& w_;
  bool moves_ = false;
  std::map<uint32_t, const sync::Action*> waiting_;  // each message once
  std::map<uint32_t, bool> unnamed_;                 // by COPYUID; whether there was any
  Uids untold_;                                      // OK, and no UIDPLUS
};

}  // namespace libsync::replicas

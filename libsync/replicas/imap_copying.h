// Messages to other mailboxes by UID COPY and UID MOVE. Internal to the IMAP replica.
#pragma once

#include <map>
#include <span>
#include <string>

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
  using Found = std::optional<imap::SequenceSet>;  // nothing: the server did not say

  void transfer();
  void send(const Uids& uids, const std::string& target);
  void answered(const Uids& uids, const std::string& target, const ImapReply& reply);
  Uids named(const Uids& uids, const ImapReply& reply);
  void unnamed(const Uids& uids, bool none_at_all);
  void untold(const Uids& uids);
  void search(const Uids& uids, const std::function<void(const Found&)>& then);
  void tell(uint32_t uid, const sync::Outcome& outcome);

  ImapWriting& w_;
  bool moves_ = false;
  std::map<uint32_t, const sync::Action*> waiting_;  // each message once
  imap::SequenceSet there_;                          // before, where it was asked for
};

}  // namespace libsync::replicas

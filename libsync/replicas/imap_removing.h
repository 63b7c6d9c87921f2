// Messages removed by \Deleted and EXPUNGE. Internal to the IMAP replica.
#pragma once

#include <map>
#include <span>
#include <string>

#include "libsync/replicas/imap_writing.h"
#include "libsync/sync/replica.h"

namespace libsync::replicas {

// Of actions on messages of one mailbox. Whatever the server answers, what is there behind it tells.
class ImapRemoving {
 public:
  explicit ImapRemoving(ImapWriting& writing) : w_(writing) {}
  void run(std::span<const sync::Action> actions);

 private:
  using Uids = ImapWriting::Uids;

  void find(const Uids& uids);
  void mark(const Uids& uids);
  void expunge_these(const Uids& uids);
  void expunge_all(const Uids& uids);
  void look(const Uids& uids);
  void still_there(const Uids& uids);
  void tell(uint32_t uid, const sync::Outcome& outcome);

  ImapWriting& w_;
  std::multimap<uint32_t, const sync::Action*> waiting_;
  std::map<uint32_t, ImapAnswer> refused_;  // what was said of it last
};

}  // namespace libsync::replicas

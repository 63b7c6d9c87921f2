// Messages removed by \Deleted and EXPUNGE. Internal to the IMAP replica.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

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

  void mark(const Uids& uids);
  void expunge(const Uids& uids);
  std::optional<sync::Outcome> why_not_expunge_all(const Uids& all);
  void expunge_all();
  void tell_gone();
  std::vector<Uids> settle(const std::vector<Uids>& sets);
  void tell(uint32_t uid, const sync::Outcome& outcome);
  Uids left() const;

  ImapWriting& w_;
  std::multimap<uint32_t, const sync::Action*> waiting_;
  std::map<uint32_t, ImapAnswer> refused_;  // by the commands of the flight at hand
};

}  // namespace libsync::replicas

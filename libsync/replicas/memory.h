// A mailbox in memory: every capability of the port, IMAP's semantics, nothing kept. For tests, and
// for whatever wants a replica without a server.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libsync/sync/replica.h"

namespace libsync::replicas {

// Which parts of the port's optional knowledge a MemoryReplica gives: a poorer one stands in for
// servers without change tokens or ids.
struct MemoryTraits {
  sync::Capabilities capabilities{.folders = true,
                                  .flags = true,
                                  .keywords = true,
                                  .append = true,
                                  .move = true,
                                  .remove = true,
                                  .own_transaction = true,
                                  .change_tokens = true,
                                  .partial_fetch = true,
                                  .stable_ids = true,
                                  .counted_fetch = true};
  bool instances = true;  // Facts::instance
  bool objects = false;   // Facts::object
  bool box_ids = true;    // mailbox ids survive a rename; else the id is the path
  std::string identity = "memory";
};

// One thread at a time. The mutators stand for another client at work between two syncs.
class MemoryReplica final : public sync::Replica {
 public:
  explicit MemoryReplica(MemoryTraits traits = {}) : traits_(std::move(traits)) {}

  struct Message {
    std::string octets;
    sync::Flags flags{};
    std::optional<int64_t> date{};
    std::string instance{};
    uint64_t modseq = 0;
  };
  struct Box {
    sync::Path path;
    sync::Role role = sync::Role::None;
    bool subscribed = false;
    uint64_t uidvalidity = 1;
    uint64_t uidnext = 1;
    uint64_t modseq = 1;
    std::map<uint64_t, Message> messages{};
    std::map<uint64_t, uint64_t> expunged{};  // uid → modseq
  };

  sync::BoxId make_box(const sync::Path& path, sync::Role role = sync::Role::None);
  void rename_box(const sync::Path& from, const sync::Path& to);
  void delete_box(const sync::Path& path);
  uint64_t append(const sync::Path& path, std::string octets, sync::Flags flags = {}, std::optional<int64_t> date = {});
  void set_flags(const sync::Path& path, uint64_t uid, sync::Flags flags);
  void expunge(const sync::Path& path, uint64_t uid);
  uint64_t move(const sync::Path& from, uint64_t uid, const sync::Path& to);
  // A server that lost its memory: every message gets a new UID.
  void renumber(const sync::Path& path);
  Box* box(const sync::Path& path);
  const std::map<std::string, Box>& boxes() const { return boxes_; }

  sync::Capabilities capabilities() const override { return traits_.capabilities; }
  std::string identity() const override { return traits_.identity; }
  Result<std::vector<sync::Mailbox>> mailboxes(std::stop_token stop) override;
  Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override;
  Status fetch(std::span<const sync::FetchItem> items, sync::MessageSink& sink, std::stop_token stop) override;
  Status apply(std::span<const sync::Action> actions, sync::ActionSink& sink, std::stop_token stop) override;
  Result<std::vector<sync::BoxId>> wait(Deadline deadline, std::stop_token stop) override;
  Status finish(sync::ActionSink& sink, std::stop_token stop) override;

 private:
  Status report(const std::string& id, Box& box, const std::string& cursor, sync::ChangeSink& sink);
  sync::Facts facts(const Message& message) const;
  Result<sync::Outcome> act(const sync::Action& action);
  sync::Outcome create_box(const sync::Action& action);
  sync::Outcome rename_box(const sync::Action& action);
  sync::Outcome delete_box(const sync::Action& action);
  sync::Outcome set_flags(const sync::Action& action);
  Result<sync::Outcome> add(const sync::Action& action);
  sync::Outcome place(const sync::Action& action, bool keep);
  sync::Outcome remove(const sync::Action& action);
  uint64_t insert(Box& box, Message message);
  void erase(Box& box, uint64_t uid);
  Box* by_id(const sync::BoxId& id);
  Box* at(const sync::MsgRef& ref);              // the mailbox, if the message is in it under this reference
  sync::Outcome lacks(const sync::MsgRef& ref);  // why it is not
  std::string id_of(const std::string& internal, const Box& box) const;

  MemoryTraits traits_;
  std::map<std::string, Box> boxes_;  // by internal id
  uint64_t next_box_ = 1;
  uint64_t next_uidvalidity_ = 1;
  uint64_t next_instance_ = 1;
};

}  // namespace libsync::replicas

// The kinds of replica that the contract is held against.
#include "libsync/replicas/memory.h"

#include "tests/contract/replicas/subject.h"

namespace twinbox::contract {
namespace {

using namespace libsync;

// Lends a replica that outlives the session.
class Lent final : public sync::Replica {
 public:
  explicit Lent(sync::Replica& real) : real_(real) {}
  sync::Capabilities capabilities() const override { return real_.capabilities(); }
  std::string identity() const override { return real_.identity(); }
  Result<std::vector<sync::Mailbox>> mailboxes(std::stop_token stop) override { return real_.mailboxes(stop); }
  Status changes(std::span<const sync::BoxCursor> cursors, sync::ChangeSink& sink, std::stop_token stop) override {
    return real_.changes(cursors, sink, stop);
  }
  Status fetch(std::span<const sync::FetchItem> items, sync::MessageSink& sink, std::stop_token stop) override {
    return real_.fetch(items, sink, stop);
  }
  Status apply(std::span<const sync::Action> actions, sync::ActionSink& sink, std::stop_token stop) override {
    return real_.apply(actions, sink, stop);
  }
  Result<std::vector<sync::BoxId>> wait(Deadline deadline, std::stop_token stop) override {
    return real_.wait(deadline, stop);
  }
  Status finish(sync::ActionSink& sink, std::stop_token stop) override { return real_.finish(sink, stop); }

 private:
  sync::Replica& real_;
};

class MemorySubject final : public Subject {
 public:
  explicit MemorySubject(replicas::MemoryTraits traits) : replica_(std::move(traits)) {
    replica_.make_box({"INBOX"}, sync::Role::Inbox);
  }
  Result<std::unique_ptr<sync::Replica>> open() override { return std::make_unique<Lent>(replica_); }
  void deliver(const std::string& octets, uint32_t system_flags) override {
    replica_.append({"INBOX"}, octets, {.system = system_flags}, 1'700'000'000);
  }
  void expunge_first() override { replica_.expunge({"INBOX"}, replica_.box({"INBOX"})->messages.begin()->first); }

 private:
  replicas::MemoryReplica replica_;
};

replicas::MemoryTraits poor() {
  replicas::MemoryTraits traits;
  traits.capabilities.change_tokens = false;
  traits.box_ids = false;
  return traits;
}

}  // namespace

std::vector<Kind> kinds() {
  return {
      {"memory", [] { return std::make_unique<MemorySubject>(replicas::MemoryTraits{}); }, ""},
      {"memory_without_tokens", [] { return std::make_unique<MemorySubject>(poor()); }, ""},
  };
}

}  // namespace twinbox::contract

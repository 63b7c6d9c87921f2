// The kinds of replica that the contract is held against.
#include "libsync/replicas/memory.h"

#include "tests/contract/replicas/subject.h"
#include "tests/support/lent_replica.h"

namespace twinbox::contract {
namespace {

using namespace libsync;

class MemorySubject final : public Subject {
 public:
  explicit MemorySubject(replicas::MemoryTraits traits) : replica_(std::move(traits)) {
    replica_.make_box({"INBOX"}, sync::Role::Inbox);
  }
  Result<std::unique_ptr<sync::Replica>> open() override { return std::make_unique<test::LentReplica>(replica_); }
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
  std::vector<Kind> all = {
      {"memory", [] { return std::make_unique<MemorySubject>(replicas::MemoryTraits{}); }, ""},
      {"memory_without_tokens", [] { return std::make_unique<MemorySubject>(poor()); }, ""},
  };
  for (auto& one : pop3_kinds()) all.push_back(std::move(one));
  return all;
}

}  // namespace twinbox::contract

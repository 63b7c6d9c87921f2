#include "libsync/server/store_maildrop.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "libsync/base/words.h"

namespace libsync::server {
namespace {

class StoreMaildrop final : public Maildrop {
 public:
  explicit StoreMaildrop(store::Store& store) : store_(store) {}

  Status load() {
    TB_ASSIGN(const auto inbox, store_.find_mailbox({"INBOX"}));
    if (!inbox) return {};
    const store::ListOptions by_uid{.mailbox = inbox->id, .order = store::ListOrder::Uid};
    return store_.list(by_uid, [&](const store::MessageInfo& message) {
      entries_.push_back({.size = message.size, .uidl = fmt::format("{}.{}", inbox->uidvalidity, message.uid)});
      contents_.push_back(message.content);
      return true;
    });
  }

  std::span<const Entry> entries() const override { return entries_; }

  Result<std::string> read(size_t index, uint64_t offset, size_t most) override {
    if (offset >= entries_[index].size) return std::string();
    return store_.range(contents_[index], offset, most);
  }

  Status remove(std::span<const size_t>) override {
    return fail(Errc::Refused, say("this is a mirror: mail is removed on the server that it comes from"));
  }

 private:
  store::Store& store_;
  std::vector<Entry> entries_;
  std::vector<store::ContentId> contents_;
};

}  // namespace

Result<std::unique_ptr<Maildrop>> open_store_maildrop(store::Store& store) {
  auto drop = std::make_unique<StoreMaildrop>(store);
  TB_TRY(drop->load());
  return drop;
}

}  // namespace libsync::server

#include "libsync/server/mail_maildrop.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "libsync/base/words.h"

namespace libsync::server {
namespace {

class MailMaildrop final : public Maildrop {
 public:
  explicit MailMaildrop(std::shared_ptr<Mail> mail) : mail_(std::move(mail)) {}

  Status load() {
    TB_ASSIGN(const auto folders, mail_->folders());
    for (const Folder& folder : folders) {
      if (folder.path == sync::Path{"INBOX"}) folder_ = folder.id;
    }
    if (folder_ == 0) return {};
    TB_ASSIGN(const auto view, mail_->view(folder_));
    if (!view) return {};
    return mail_->rows(folder_, view->uids, Want::Facts, [&](const MessageRow& row, const Columns&) {
      entries_.push_back({.size = row.size, .uidl = fmt::format("{}.{}", view->folder.uidvalidity, row.uid)});
      messages_.push_back({.uid = row.uid, .content = row.content});
      return true;
    });
  }

  std::span<const Entry> entries() const override { return entries_; }

  Result<std::string> read(size_t index, uint64_t offset, size_t most) override {
    if (offset >= entries_[index].size) return std::string();
    return mail_->read(messages_[index].content, offset, most);
  }

  // Marked first, and gone with that: \Deleted is what expunge() goes by.
  Status remove(std::span<const size_t> indexes) override {
    if (mail_->writable_in({"INBOX"}) != Writable::All) {
      return fail(Errc::Refused, say("this is a mirror: mail is removed on the server that it comes from"));
    }
    imap::SequenceSet uids;
    for (const size_t index : indexes) uids.add(messages_[index].uid);
    TB_ASSIGN(const auto marked,
              mail_->change_flags(folder_, uids, FlagChange::Add, {.system = sync::kDeleted}, std::nullopt));
    TB_ASSIGN(const auto gone, mail_->expunge(folder_, uids));
    return {};
  }

 private:
  struct Message {
    uint32_t uid = 0;
    ContentId content = 0;
  };
  std::shared_ptr<Mail> mail_;
  FolderId folder_ = 0;
  std::vector<Entry> entries_;
  std::vector<Message> messages_;
};

}  // namespace

Result<std::unique_ptr<Maildrop>> open_mail_maildrop(std::shared_ptr<Mail> mail) {
  auto drop = std::make_unique<MailMaildrop>(std::move(mail));
  TB_TRY(drop->load());
  return drop;
}

}  // namespace libsync::server

// The implementations that the contract is held against.
#include <fmt/format.h>

#include "libsync/server/memory_mail.h"
#include "libsync/server/store_mail.h"
#include "libsync/store/schema.h"

#include "tests/contract/mail/subject.h"
#include "tests/support/temp_dir.h"

namespace twinbox::contract {
namespace {

using namespace libsync;
using namespace libsync::server;

class MemorySubject final : public Subject {
 public:
  explicit MemorySubject(Writable writable) : mail_({.writable = writable, .max_vanished = 10}) {}
  Mail& mail() override { return mail_; }
  FolderId make_folder(const sync::Path& path) override { return mail_.make_folder(path); }
  uint32_t deliver(FolderId folder, const std::string& octets, const sync::Flags& flags, int64_t date) override {
    return mail_.put(folder, octets, flags, date);
  }
  void outdate(FolderId folder) override {
    for (int i = 0; i < 11; ++i) mail_.remove(folder, mail_.put(folder, "\r\n"));
  }

 private:
  MemoryMail mail_;
};

// Another program at work is a Store of its own, as in another process.
class StoreSubject final : public Subject {
 public:
  explicit StoreSubject(Writable writable) {
    open_store();
    auto opened = StoreMail::open(dir_ / "store", {.writable = writable});
    EXPECT_TRUE(opened) << opened.error().text();
    mail_ = *std::move(opened);
  }
  Mail& mail() override { return *mail_; }
  FolderId make_folder(const sync::Path& path) override {
    const auto store = open_store();
    const auto write = store->begin().value();
    const auto id = write->create_mailbox(path);
    EXPECT_TRUE(id && write->commit());
    return id.value_or(0);
  }
  uint32_t deliver(FolderId folder, const std::string& octets, const sync::Flags& flags, int64_t date) override {
    const auto store = open_store();
    const auto staged = store->stage(octets).value();
    const auto write = store->begin().value();
    const auto placed = write->add(folder, staged, flags, date);
    EXPECT_TRUE(placed && write->commit());
    return placed->uid;
  }
  void look() override { EXPECT_TRUE(mail_->look_for_changes()); }
  void outdate(FolderId folder) override {
    const auto store = open_store();
    const auto done = store->db().exec(fmt::format(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<={1})"
        " INSERT INTO vanished SELECT {0}, b.highestmodseq+i, b.uidnext+i-1 FROM n, mailbox b WHERE b.id={0};"
        "UPDATE mailbox SET highestmodseq=highestmodseq+{1}+1, uidnext=uidnext+{1}+1 WHERE id={0}",
        folder, store::kMaxVanished));
    EXPECT_TRUE(done) << done.error().text();
    EXPECT_TRUE(store->compact({}, {}, {}));
  }

 private:
  std::unique_ptr<store::Store> open_store() {
    auto store = store::Store::open(dir_ / "store", {.mode = store::StoreMode::Create});
    EXPECT_TRUE(store) << store.error().text();
    return *std::move(store);
  }
  test::TempDir dir_;
  std::shared_ptr<StoreMail> mail_;
};

}  // namespace

std::vector<Kind> kinds() {
  return {
      {.name = "memory", .make = [](Writable writable) { return std::make_unique<MemorySubject>(writable); }},
      {.name = "store", .make = [](Writable writable) { return std::make_unique<StoreSubject>(writable); }},
  };
}

INSTANTIATE_TEST_SUITE_P(Mail, MailContract, testing::ValuesIn(kinds()),
                         [](const auto& kind) { return kind.param.name; });

}  // namespace twinbox::contract

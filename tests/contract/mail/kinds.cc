// The implementations that the contract is held against.
#include "libsync/server/memory_mail.h"

#include "tests/contract/mail/subject.h"

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

}  // namespace

std::vector<Kind> kinds() {
  return {
      {.name = "memory", .make = [](Writable writable) { return std::make_unique<MemorySubject>(writable); }},
  };
}

INSTANTIATE_TEST_SUITE_P(Mail, MailContract, testing::ValuesIn(kinds()),
                         [](const auto& info) { return info.param.name; });

}  // namespace twinbox::contract

// What the tests of the contract need of an implementation of Mail, and small things that they all use.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "libsync/server/mail.h"

namespace twinbox::contract {

class Subject {
 public:
  virtual ~Subject() = default;
  virtual libsync::server::Mail& mail() = 0;
  // Another program at work. The octets have CRLF line ends.
  virtual libsync::server::FolderId make_folder(const libsync::sync::Path& path) = 0;
  virtual uint32_t deliver(libsync::server::FolderId folder, const std::string& octets,
                           const libsync::sync::Flags& flags = {}, int64_t date = 1'700'000'000) = 0;
  // What the server does once a second.
  virtual void look() {}
  // So many messages come into the folder and vanish that the first of them is forgotten.
  virtual void outdate(libsync::server::FolderId folder) = 0;
};

struct Kind {
  std::string name;
  std::function<std::unique_ptr<Subject>(libsync::server::Writable)> make;
};
inline void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }
std::vector<Kind> kinds();

// Mail with an INBOX and a folder Archive.
class MailContract : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override { start(libsync::server::Writable::All); }
  void start(libsync::server::Writable writable);

  libsync::server::Mail& mail() { return subject_->mail(); }
  Subject& other() { return *subject_; }

  // Through the port.
  uint32_t append(libsync::server::FolderId folder, std::string_view octets, const libsync::sync::Flags& flags = {},
                  std::optional<int64_t> date = {});
  libsync::server::NewMessage message(std::string_view octets, const libsync::sync::Flags& flags = {},
                                      std::optional<int64_t> date = {});
  void store_flags(libsync::server::FolderId folder, std::string_view uids, libsync::server::FlagChange change,
                   const libsync::sync::Flags& flags);

  libsync::server::Folder folder(libsync::server::FolderId id);
  std::string uids(libsync::server::FolderId id);  // "1:3,7"
  struct Row {
    libsync::server::MessageRow row;
    std::optional<std::string> subject, from, to, cc;
  };
  std::vector<Row> rows(libsync::server::FolderId id, std::string_view uids = "1:4294967295",
                        libsync::server::Want want = libsync::server::Want::Columns);
  Row row(libsync::server::FolderId id, uint32_t uid);
  libsync::server::Mail::Changes changes(libsync::server::FolderId id, uint64_t since);
  // "1 2 -3": those that are new or changed, those that vanished.
  std::string changed(libsync::server::FolderId id, uint64_t since);

  std::unique_ptr<Subject> subject_;
  libsync::server::FolderId inbox_ = 0, archive_ = 0;
};

libsync::imap::SequenceSet set(std::string_view text);
// "\Seen \Deleted $Junk"
std::string names(const libsync::sync::Flags& flags);
std::string mail_named(std::string_view subject, std::string_view body = "text\r\n");

}  // namespace twinbox::contract

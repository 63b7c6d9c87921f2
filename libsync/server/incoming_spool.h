// Where a message's octets are until they are stored: in memory, or many of them in a file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libsync/base/file.h"
#include "libsync/server/mail.h"
#include "libsync/sync/replica.h"

namespace libsync::server {

class IncomingSpool final : public Incoming {
 public:
  // The most that is held in memory; more goes to a file without a name in `directory`.
  static constexpr size_t kInMemory = 256 << 10;

  explicit IncomingSpool(std::string directory) : directory_(std::move(directory)) {}
  Status data(std::string_view octets) override;
  bool in_memory() const { return file_ == nullptr; }

  // All of it, once more from the beginning. Must not outlive the spool, which takes no more meanwhile.
  class Source final : public sync::ContentSource {
   public:
    explicit Source(const IncomingSpool& spool) : spool_(spool) {}
    std::optional<uint64_t> size() const override { return spool_.written_ + spool_.gathered_.size(); }
    Result<std::string_view> next() override;

   private:
    const IncomingSpool& spool_;
    std::string piece_;
    uint64_t at_ = 0;
  };

 private:
  std::string directory_;
  std::string gathered_;  // the last octets; all of them, without a file
  std::unique_ptr<File> file_;
  uint64_t written_ = 0;  // to the file
};

}  // namespace libsync::server

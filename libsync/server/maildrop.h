// What a POP3 session serves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "libsync/base/result.h"

namespace libsync::server {

// The messages of one user as they were when it was opened, locked against other sessions until it goes (RFC 1939,
// section 4). One thread at a time.
class Maildrop {
 public:
  struct Entry {
    uint64_t size = 0;   // octets, as read() gives them
    std::string uidl{};  // 1 to 70 octets from 0x21 to 0x7E, unique, the same in every session (RFC 1939, section 7)
  };

  virtual ~Maildrop() = default;
  // In the order of the message numbers, which begin at 1. Does not change.
  virtual std::span<const Entry> entries() const = 0;
  // Octets of one from `offset` on, at most `most`; none: the end. Errors: that message can't be had.
  virtual Result<std::string> read(size_t index, uint64_t offset, size_t most) = 0;
  // Removes these, all or none, durably.
  virtual Status remove(std::span<const size_t> indexes) = 0;
};

// Opens a user's, who has proved who it is. Errc::Busy: another session has it.
using OpenMaildrop = std::function<Result<std::unique_ptr<Maildrop>>(std::string_view user)>;

}  // namespace libsync::server

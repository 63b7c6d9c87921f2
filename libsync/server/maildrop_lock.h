// One POP3 session at a time for each user, and no login sooner than LOGIN-DELAY lets it.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "libsync/base/clock.h"
#include "libsync/server/maildrop.h"

namespace libsync::server {

// What all sessions of a server share. Thread-safe; outlives the maildrops that it gave. `clock` outlives it.
class MaildropLock {
 public:
  // `login_delay`: between the beginnings of two sessions of a user (RFC 2449, section 6.5); 0: none.
  MaildropLock(const Clock& clock, std::chrono::seconds login_delay) : clock_(clock), login_delay_(login_delay) {}

  // What `open` gives, locked until it goes. Errc::Busy: another session has it. Errc::Refused with `retry_after`: too
  // soon. A maildrop that could not be opened counts for neither.
  Result<std::unique_ptr<Maildrop>> open(std::string_view user, const OpenMaildrop& open);

 private:
  class Locked;
  struct User {
    bool locked = false;
    std::optional<Steady::time_point> began{};
  };
  void unlock(const std::string& user);

  const Clock& clock_;
  const std::chrono::seconds login_delay_;
  std::mutex mutex_;
  std::map<std::string, User, std::less<>>
      users_;  // only such as have proved who they are: as many as there are accounts
};

}  // namespace libsync::server

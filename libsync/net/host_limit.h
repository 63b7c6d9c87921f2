// How many connections to one host may be open at once, over all accounts: providers close the door on
// more (Gmail 15, Yahoo 5).
#pragma once

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>

#include "libsync/base/clock.h"
#include "libsync/base/result.h"

namespace libsync::net {

// A counting gate for each host name (ASCII case does not matter). Thread-safe; must outlive its
// tickets. Waiters are let in in no particular order.
class HostLimit {
 public:
  explicit HostLimit(size_t per_host) : per_host_(per_host == 0 ? 1 : per_host) {}
  HostLimit(const HostLimit&) = delete;
  HostLimit& operator=(const HostLimit&) = delete;

  // A place at the host, given back when it goes.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket() { release(); }
    void release();

   private:
    friend class HostLimit;
    Ticket(HostLimit* gate, std::string host) : gate_(gate), host_(std::move(host)) {}
    HostLimit* gate_ = nullptr;
    std::string host_;
  };

  // Waits for a place. Errc::Network (retry) at the deadline, Errc::Cancelled.
  Result<Ticket> acquire(const std::string& host, Deadline deadline, std::stop_token stop);

  size_t in_use(const std::string& host) const;

 private:
  void give_back(const std::string& host);

  const size_t per_host_;
  mutable std::mutex mutex_;
  std::condition_variable_any freed_;
  std::map<std::string, size_t> in_use_;
};

}  // namespace libsync::net

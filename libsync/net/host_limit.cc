#include "libsync/net/host_limit.h"

#include <utility>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::net {

HostLimit::Ticket::Ticket(Ticket&& other) noexcept
    : gate_(std::exchange(other.gate_, nullptr)), host_(std::move(other.host_)) {}

HostLimit::Ticket& HostLimit::Ticket::operator=(Ticket&& other) noexcept {
  if (this != &other) {
    release();
    gate_ = std::exchange(other.gate_, nullptr);
    host_ = std::move(other.host_);
  }
  return *this;
}

void HostLimit::Ticket::release() {
  if (gate_ != nullptr) std::exchange(gate_, nullptr)->give_back(host_);
}

Result<HostLimit::Ticket> HostLimit::acquire(const std::string& host, Deadline deadline, std::stop_token stop) {
  const auto key = to_lower(host);
  std::unique_lock lock(mutex_);
  const bool free = freed_.wait_until(lock, stop, deadline, [&] {
    const auto found = in_use_.find(key);
    return found == in_use_.end() || found->second < per_host_;
  });
  if (stop.stop_requested()) return fail(Errc::Cancelled, say("stopped"));
  if (!free) {
    return fail({.code = Errc::Network,
                 .what = say("no connection to {} became free in time: {} are open", host, per_host_),
                 .retry = true});
  }
  ++in_use_[key];
  return Ticket(this, key);
}

void HostLimit::give_back(const std::string& host) {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = in_use_.find(host);
    if (found == in_use_.end()) return;
    if (--found->second == 0) in_use_.erase(found);
  }
  freed_.notify_all();
}

size_t HostLimit::in_use(const std::string& host) const {
  const std::scoped_lock lock(mutex_);
  const auto found = in_use_.find(to_lower(host));
  return found == in_use_.end() ? 0 : found->second;
}

}  // namespace libsync::net

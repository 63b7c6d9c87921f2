#include "libsync/server/mail.h"

#include <utility>

namespace libsync::server {

void Mail::on_change(std::function<void()> listener) {
  const std::scoped_lock lock(listener_mutex_);
  listener_ = std::move(listener);
}

void Mail::changed() {
  generation_.fetch_add(1, std::memory_order_release);
  const std::scoped_lock lock(listener_mutex_);
  if (listener_) listener_();
}

}  // namespace libsync::server

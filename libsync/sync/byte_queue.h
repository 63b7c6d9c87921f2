// The queue between the two threads of a transfer: bounded in bytes, closed by either end.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace libsync::sync {

// One producer, one consumer. An item may be larger than the bound: it passes when the queue is empty.
template <class Item>
class ByteQueue {
 public:
  explicit ByteQueue(uint64_t max_bytes) : max_bytes_(max_bytes) {}

  // Waits for room. false: the consumer has closed the queue; nobody will take the item.
  bool push(Item item, uint64_t bytes) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || bytes_ == 0 || bytes_ + bytes <= max_bytes_; });
    if (closed_) return false;
    bytes_ += bytes;
    items_.emplace_back(std::move(item), bytes);
    lock.unlock();
    ready_.notify_one();
    return true;
  }

  // Waits for an item. Nothing: the producer has finished and all was taken.
  std::optional<Item> pop() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return finished_ || !items_.empty(); });
    return take(lock);
  }

  // An item if one comes before the deadline.
  std::optional<Item> pop_until(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    ready_.wait_until(lock, deadline, [&] { return finished_ || !items_.empty(); });
    return take(lock);
  }

  void finish() {  // the producer: nothing more comes
    const std::scoped_lock lock(mutex_);
    finished_ = true;
    ready_.notify_all();
  }

  void close() {  // the consumer: nothing more is wanted
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    room_.notify_all();
  }

 private:
  std::optional<Item> take(std::unique_lock<std::mutex>& lock) {
    if (items_.empty()) return std::nullopt;
    auto [item, bytes] = std::move(items_.front());
    items_.pop_front();
    bytes_ -= bytes;
    lock.unlock();
    room_.notify_one();
    return std::move(item);
  }

  const uint64_t max_bytes_;
  std::mutex mutex_;
  std::condition_variable room_, ready_;
  std::deque<std::pair<Item, uint64_t>> items_;
  uint64_t bytes_ = 0;
  bool closed_ = false;
  bool finished_ = false;
};

}  // namespace libsync::sync

// The open Stores that the sessions of one user share: a few to read with and one to write with, each lent for a call.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libsync/base/result.h"
#include "libsync/store/store.h"

namespace libsync::server {

// Thread-safe. A Store is opened when it is needed and nobody has given one back.
class StorePool {
 public:
  // `options.mode` is that of the Store to write with; StoreMode::ReadOnly: there is none. At most `readers` are open
  // to read with.
  static Result<std::unique_ptr<StorePool>> open(const std::string& directory, const store::StoreOptions& options,
                                                 size_t readers);

  // A Store to read with, until this goes. Must not outlive the pool.
  class Reader {
   public:
    Reader(StorePool& pool, std::unique_ptr<store::Store> store, uint64_t age)
        : pool_(&pool), store_(std::move(store)), age_(age) {}
    Reader(Reader&& other) noexcept = default;
    Reader& operator=(Reader&&) = delete;
    ~Reader() {
      if (store_ != nullptr) pool_->give_back(std::move(store_), age_);
    }
    store::Store& operator*() const { return *store_; }
    store::Store* operator->() const { return store_.get(); }

   private:
    StorePool* pool_;
    std::unique_ptr<store::Store> store_;
    uint64_t age_;
  };
  // Waits while all are lent.
  Result<Reader> reader();

  // The Store to write with; others wait for it until this goes.
  class Writer {
   public:
    Writer(std::unique_lock<std::mutex> turn, store::Store& store) : turn_(std::move(turn)), store_(&store) {}
    store::Store& operator*() const { return *store_; }
    store::Store* operator->() const { return store_; }

   private:
    std::unique_lock<std::mutex> turn_;
    store::Store* store_;
  };
  Result<Writer> writer();

  // Whether another than the Store to write with has written since the last call: another process, as a rule. False
  // while somebody of this process writes: the next call tells.
  Result<bool> others_wrote();

 private:
  StorePool(std::string directory, const store::StoreOptions& options, size_t readers)
      : directory_(std::move(directory)), options_(options), most_readers_(readers) {}
  void give_back(std::unique_ptr<store::Store> store, uint64_t age);
  // These with turn_ held. A rebuild puts another twin.db in the place of the one that is open: what is written into
  // the old one would be lost.
  bool gone() const;
  Status open_writer();
  Status open_again();
  Result<int64_t> data_version();

  const std::string directory_;
  const store::StoreOptions options_;
  const size_t most_readers_;

  std::mutex turn_;                       // of who writes, and of others_wrote()
  std::unique_ptr<store::Store> writer_;  // without one to write with: one to see changes with
  int64_t data_version_ = 0;

  std::mutex mutex_;  // of what follows
  std::condition_variable given_back_;
  std::vector<std::unique_ptr<store::Store>> idle_;
  size_t lent_ = 0;
  uint64_t age_ = 0;  // how often twin.db was made anew
};

}  // namespace libsync::server

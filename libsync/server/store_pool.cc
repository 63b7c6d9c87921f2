#include "libsync/server/store_pool.h"

#include <utility>

namespace libsync::server {
namespace {

// Pages that SQLite keeps, in kB. What many ask for is in the system's cache anyway.
constexpr const char* kReading = "PRAGMA cache_size=-1000";
constexpr const char* kWriting = "PRAGMA cache_size=-4000";

}  // namespace

Result<std::unique_ptr<StorePool>> StorePool::open(const std::string& directory, const store::StoreOptions& options,
                                                   size_t readers) {
  std::unique_ptr<StorePool> pool(new StorePool(directory, options, readers));
  const std::scoped_lock turn(pool->turn_);
  TB_TRY(pool->open_writer());
  return pool;
}

Status StorePool::open_writer() {
  writer_.reset();
  TB_ASSIGN(writer_, store::Store::open(directory_, options_));
  TB_TRY(writer_->db().exec(kWriting));
  TB_ASSIGN(data_version_, data_version());
  return {};
}

bool StorePool::gone() const { return writer_ == nullptr || writer_->db().has_moved(); }

Status StorePool::open_again() {
  {
    const std::scoped_lock lock(mutex_);
    idle_.clear();
    ++age_;
  }
  return open_writer();
}

Result<int64_t> StorePool::data_version() {
  TB_ASSIGN(auto s, writer_->db().prepare("PRAGMA data_version"));
  TB_TRY(s.step());
  return s.integer(0);
}

Result<StorePool::Writer> StorePool::writer() {
  if (options_.mode == store::StoreMode::ReadOnly) return fail(Errc::Internal, "a mirror was to be written to");
  std::unique_lock turn(turn_);
  if (gone()) {
    TB_TRY(open_again());
    data_version_ = -1;  // the next look tells everybody
  }
  return Writer(std::move(turn), *writer_);
}

Result<bool> StorePool::others_wrote() {
  const std::unique_lock turn(turn_, std::try_to_lock);
  if (!turn) return false;
  if (gone()) {
    TB_TRY(open_again());
    return true;
  }
  TB_ASSIGN(const int64_t version, data_version());
  return std::exchange(data_version_, version) != version;
}

Result<StorePool::Reader> StorePool::reader() {
  uint64_t age = 0;
  {
    std::unique_lock lock(mutex_);
    given_back_.wait(lock, [&] { return !idle_.empty() || lent_ < most_readers_; });
    ++lent_;
    age = age_;
    if (!idle_.empty()) {
      auto store = std::move(idle_.back());
      idle_.pop_back();
      return Reader(*this, std::move(store), age);
    }
  }
  store::StoreOptions options = options_;
  options.mode = store::StoreMode::ReadOnly;
  auto opened = store::Store::open(directory_, options);
  Status status = opened ? (*opened)->db().exec(kReading) : Status(fail(opened.error()));
  if (status) return Reader(*this, *std::move(opened), age);
  give_back(nullptr, age);
  return fail(std::move(status.error()));
}

void StorePool::give_back(std::unique_ptr<store::Store> store, uint64_t age) {
  {
    const std::scoped_lock lock(mutex_);
    --lent_;
    if (store != nullptr && age == age_) idle_.push_back(std::move(store));
  }
  given_back_.notify_one();
}

}  // namespace libsync::server

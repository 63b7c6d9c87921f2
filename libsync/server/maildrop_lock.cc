#include "libsync/server/maildrop_lock.h"

#include <utility>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::server {

class MaildropLock::Locked final : public Maildrop {
 public:
  Locked(MaildropLock& lock, std::string user) : lock_(lock), user_(std::move(user)) {}
  ~Locked() override {
    drop_.reset();
    lock_.unlock(user_);
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  void take(std::unique_ptr<Maildrop> drop) { drop_ = std::move(drop); }

  std::span<const Entry> entries() const override { return drop_->entries(); }
  Result<std::string> read(size_t index, uint64_t offset, size_t most) override {
    return drop_->read(index, offset, most);
  }
  Status remove(std::span<const size_t> indexes) override { return drop_->remove(indexes); }

 private:
  MaildropLock& lock_;
  const std::string user_;
  std::unique_ptr<Maildrop> drop_;
};

void MaildropLock::unlock(const std::string& user) {
  const std::lock_guard guard(mutex_);
  users_[user].locked = false;
}

Result<std::unique_ptr<Maildrop>> MaildropLock::open(std::string_view user, const OpenMaildrop& open) {
  const Steady::time_point now = clock_.now();
  {
    const std::lock_guard guard(mutex_);
    User& entry = users_[std::string(user)];
    if (entry.locked) return fail(Errc::Busy, say("another session has the maildrop"));
    const auto left = entry.began ? *entry.began + login_delay_ - now : Steady::duration::zero();
    if (left > Steady::duration::zero()) {
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(left);
      return fail(Error{.code = Errc::Refused,
                        .what = say("wait {} before the next login", human_duration(seconds)),
                        .retry = true,
                        .retry_after = seconds});
    }
    entry.locked = true;
  }
  // Not under the lock: a large mailbox takes a while to be listed.
  auto locked = std::make_unique<Locked>(*this, std::string(user));
  TB_ASSIGN(auto drop, open(user));
  locked->take(std::move(drop));
  const std::lock_guard guard(mutex_);
  users_[std::string(user)].began = now;
  return locked;
}

}  // namespace libsync::server

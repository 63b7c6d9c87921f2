#include "libsync/store/lock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

namespace libsync::store {
namespace {

constexpr std::chrono::milliseconds kPoll{50};  // short beside a person's patience, long beside a syscall

std::unexpected<Error> system_error(const std::string& path) {
  Error error{.code = errno == ENOENT ? Errc::NotFound : Errc::Disk, .what = say("{}: {}", path, std::strerror(errno))};
  if (errno == EACCES || errno == EPERM) error.hint = word("the store belongs to another user, or to root");
  return fail(std::move(error));
}

std::string holder(int fd) {
  std::array<char, 32> text{};
  const ssize_t got = ::pread(fd, text.data(), text.size(), 0);
  const auto pid = parse_u64(trim(std::string_view(text.data(), got > 0 ? static_cast<size_t>(got) : 0)));
  return pid ? say("process {}", *pid) : std::string(word("another process"));
}

void sign(int fd) {
  const std::string pid = std::to_string(::getpid()) + "\n";
  // For the other's message only: a lock without it is as good.
  if (::ftruncate(fd, 0) == 0) (void)!::pwrite(fd, pid.data(), pid.size(), 0);
}

// Whether the open file is the one of that name.
bool is_at(int fd, const std::string& path) {
  struct stat open{}, named{};
  return ::fstat(fd, &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev &&
         open.st_ino == named.st_ino;
}

}  // namespace

FileLock::~FileLock() { ::close(fd_); }

Result<std::unique_ptr<FileLock>> FileLock::attempt(const std::string& path, bool create) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);
  if (fd < 0) return system_error(path);
  std::unique_ptr<FileLock> lock(new FileLock(fd));
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) {
    // Unlinked, or another put in its place, between the two calls: this locks nothing that others see.
    if (is_at(fd, path)) return lock;
    return nullptr;
  }
  if (errno == EWOULDBLOCK || errno == EINTR) return nullptr;
  return system_error(path);
}

Result<std::unique_ptr<FileLock>> FileLock::share(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return system_error(path);
  std::unique_ptr<FileLock> lock(new FileLock(fd));
  if (::flock(fd, LOCK_SH | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK || errno == EINTR) return nullptr;
  return system_error(path);
}

Result<std::unique_ptr<FileLock>> FileLock::acquire(const std::string& path, std::chrono::milliseconds wait,
                                                    std::stop_token stop) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    TB_ASSIGN(auto lock, acquire_file(path, std::max(left, std::chrono::milliseconds(0)), stop));
    // Who held it may have taken the file away with an empty store: then this locks nothing that others see.
    if (is_at(lock->fd_, path)) return lock;
  }
}

Result<std::unique_ptr<FileLock>> FileLock::acquire_file(const std::string& path, std::chrono::milliseconds wait,
                                                         const std::stop_token& stop) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_CREAT, 0600);
  if (fd < 0) return system_error(path);
  std::unique_ptr<FileLock> lock(new FileLock(fd));
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return system_error(path);
    if (stop.stop_requested()) return fail(Errc::Cancelled, std::string(word("stopped")));
    if (std::chrono::steady_clock::now() >= deadline) {
      return fail(Error{.code = Errc::Busy,
                        .what = say("the store is in use by {} ({})", holder(fd), path),
                        .hint = std::string(word("wait for it, or try again later")),
                        .retry = true});
    }
    std::this_thread::sleep_for(kPoll);
  }
  sign(fd);
  return lock;
}

}  // namespace libsync::store

// Preloaded into a program, it counts the program's steps: every call that changes something outside of the process,
// that is files and sockets. It can end the process before the Nth step, without any clean-up, or make steps fail
// that change files below one folder, as a disk does that is full, read-only or broken. SQLite's calls are counted like
// everybody's, so a commit is cut inside as well as before and behind.
//
// Told by environment:
//   STEPS_LOG=FILE       a line for each step: its number, its number among the folder's, the call, what it is about
//   STEPS_KILL=N         _exit(86) before the Nth step
//   STEPS_FOLDER=FOLDER  whose steps have a number of their own and can fail
//   STEPS_FAIL=N         the Nth step of the folder fails, 1 being the first
//   STEPS_HOW=full       from there on what takes room fails with ENOSPC; the first write takes half of its octets
//             read-only  from there on everything that writes fails with EROFS, opening for writing too
//             broken     from there on everything fails with EIO
//             once       that step alone fails with EIO
//
// Steps are taken one at a time: when the Nth is cut off, all before it are done and none behind it is.
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

constexpr int kKilled = 86;

enum class How { Full, ReadOnly, Broken, Once };
enum class Needs { Room, Nothing, Open };  // Open: no step, it only fails where nothing may be written

std::string_view setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

uint64_t number(const char* name) { return std::strtoull(std::string(setting(name)).c_str(), nullptr, 10); }

How how() {
  const std::string_view word = setting("STEPS_HOW");
  if (word == "read-only") return How::ReadOnly;
  if (word == "broken") return How::Broken;
  return word == "once" ? How::Once : How::Full;
}

// What the program is to meet, read once; and the log.
struct Orders {
  const uint64_t kill_at = number("STEPS_KILL");
  const uint64_t fail_at = number("STEPS_FAIL");
  const How how = ::how();
  const std::string folder{setting("STEPS_FOLDER")};
  int log = -1;

  Orders() {
    const std::string path(setting("STEPS_LOG"));
    if (path.empty()) return;
    log = static_cast<int>(
        ::syscall(SYS_openat, AT_FDCWD, path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  }
};

class Steps {
 public:
  // The step is taken, or fails in its stead: with errno set, and the call's own sign of failure.
  template <typename Call>
  auto take(const char* call_name, const std::string& about, Needs needs, Call call) -> decltype(call(false)) {
    const std::scoped_lock lock(mutex_);
    const bool ours = !orders_.folder.empty() && about.starts_with(orders_.folder);
    if (needs != Needs::Open) {
      if (++taken_ == orders_.kill_at) ::_exit(kKilled);
      if (ours) ++in_folder_;
      note(call_name, about, ours);
    }
    const bool reached = orders_.fail_at != 0 && in_folder_ + (needs == Needs::Open ? 1 : 0) >= orders_.fail_at;
    const int error = ours && reached ? error_of(needs) : 0;
    if (error == 0) return call(false);
    if (error == ENOSPC && !halved_) {
      const auto half = call(true);
      halved_ = half > 0;
      if (halved_) return half;
    }
    errno = error;
    return -1;
  }

 private:
  int error_of(Needs needs) const {
    switch (orders_.how) {
      case How::Full:
        return needs == Needs::Room ? ENOSPC : 0;
      case How::ReadOnly:
        return EROFS;
      case How::Broken:
        return needs == Needs::Open ? 0 : EIO;
      case How::Once:
        return needs != Needs::Open && in_folder_ == orders_.fail_at ? EIO : 0;
    }
    return 0;
  }

  void note(const char* call_name, const std::string& about, bool ours) const {
    if (orders_.log < 0) return;
    const std::string line = std::to_string(taken_) + " " + (ours ? std::to_string(in_folder_) : "-") + " " +
                             call_name + " " + (ours ? about.substr(orders_.folder.size()) : about) + "\n";
    (void)::syscall(SYS_write, orders_.log, line.data(), line.size());
  }

  const Orders orders_;
  std::mutex mutex_;
  uint64_t taken_ = 0;
  uint64_t in_folder_ = 0;
  bool halved_ = false;
};

// Never destroyed: the program writes to the last.
Steps& steps() {
  static Steps& all = *new Steps;
  return all;
}

// The file's path, or "socket"; nothing for what is no step: a terminal, a pipe, an event.
std::string behind(int fd) {
  struct stat st{};
  const int saved = errno;
  std::string path;
  if (::fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode)) path = "socket";
  if (path.empty() && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
    std::array<char, 4096> target{};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
    if (size > 0) path.assign(target.data(), static_cast<size_t>(size));
  }
  errno = saved;
  return path;
}

// For calls that are done whole or not at all.
template <typename Call>
auto whole(Call call) {
  return [call](bool half) { return half ? decltype(call())(-1) : call(); };
}

template <typename Call>
auto on_file(const char* name, int fd, Needs needs, Call call) -> decltype(call(false)) {
  const std::string about = behind(fd);
  if (about.empty()) return call(false);
  return steps().take(name, about, needs, call);
}

template <typename Call>
int on_name(const char* name, const char* path, Needs needs, Call call) {
  return steps().take(name, path, needs, whole(call));
}

bool is_there(int at, const char* path) {
  const int saved = errno;
  struct stat st{};
  const bool there = ::fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
  errno = saved;
  return there;
}

int make_folder(int at, const char* path, mode_t mode) {
  const auto call = [&] { return static_cast<int>(::syscall(SYS_mkdirat, at, path, mode)); };
  return is_there(at, path) ? call() : on_name("mkdir", path, Needs::Room, call);
}

// To open what is there already is no step, and takes no room.
int open_at(int at, const char* path, int flags, mode_t mode) {
  const auto call = [&] { return static_cast<int>(::syscall(SYS_openat, at, path, flags, mode)); };
  const bool makes = (flags & O_CREAT) != 0 && !is_there(at, path);
  if (makes || (flags & O_TRUNC) != 0) return on_name("open", path, Needs::Room, call);
  return (flags & O_ACCMODE) == O_RDONLY ? call() : on_name("open", path, Needs::Open, call);
}

}  // namespace

// The calls themselves. The system is asked without the C library: it is behind these very names.
extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_at(AT_FDCWD, path, flags, mode);
}
int openat(int at, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_at(at, path, flags, mode);
}
int openat64(int at, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_at(at, path, flags, mode);
}
int creat(const char* path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

ssize_t write(int fd, const void* bytes, size_t size) {
  return on_file("write", fd, Needs::Room,
                 [=](bool half) { return ::syscall(SYS_write, fd, bytes, half ? size / 2 : size); });
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  return on_file("pwrite", fd, Needs::Room,
                 [=](bool half) { return ::syscall(SYS_pwrite64, fd, bytes, half ? size / 2 : size, offset); });
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) { return pwrite(fd, bytes, size, offset); }
ssize_t writev(int fd, const iovec* pieces, int count) {
  return on_file("writev", fd, Needs::Room, whole([=] { return ::syscall(SYS_writev, fd, pieces, count); }));
}

int fsync(int fd) {
  return on_file("fsync", fd, Needs::Nothing, whole([=] { return static_cast<int>(::syscall(SYS_fsync, fd)); }));
}
int fdatasync(int fd) {
  return on_file("fdatasync", fd, Needs::Nothing,
                 whole([=] { return static_cast<int>(::syscall(SYS_fdatasync, fd)); }));
}
int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags) {
  return on_file("sync_file_range", fd, Needs::Nothing,
                 whole([=] { return static_cast<int>(::syscall(SYS_sync_file_range, fd, offset, size, flags)); }));
}
int ftruncate(int fd, off_t size) noexcept {
  return on_file("ftruncate", fd, Needs::Nothing,
                 whole([=] { return static_cast<int>(::syscall(SYS_ftruncate, fd, size)); }));
}
int ftruncate64(int fd, off64_t size) noexcept { return ftruncate(fd, size); }
int truncate(const char* path, off_t size) noexcept {
  return on_name("truncate", path, Needs::Nothing,
                 [=] { return static_cast<int>(::syscall(SYS_truncate, path, size)); });
}
int truncate64(const char* path, off64_t size) noexcept { return truncate(path, size); }
int fallocate(int fd, int mode, off_t offset, off_t size) {
  return on_file("fallocate", fd, Needs::Room,
                 whole([=] { return static_cast<int>(::syscall(SYS_fallocate, fd, mode, offset, size)); }));
}
int fallocate64(int fd, int mode, off64_t offset, off64_t size) { return fallocate(fd, mode, offset, size); }
int posix_fallocate(int fd, off_t offset, off_t size) { return fallocate(fd, 0, offset, size) == 0 ? 0 : errno; }
int posix_fallocate64(int fd, off64_t offset, off64_t size) { return posix_fallocate(fd, offset, size); }
int fchmod(int fd, mode_t mode) noexcept {
  return on_file("fchmod", fd, Needs::Nothing,
                 whole([=] { return static_cast<int>(::syscall(SYS_fchmod, fd, mode)); }));
}
int fchmodat(int at, const char* path, mode_t mode, int) noexcept {
  return on_name("chmod", path, Needs::Nothing,
                 [=] { return static_cast<int>(::syscall(SYS_fchmodat, at, path, mode)); });
}
int chmod(const char* path, mode_t mode) noexcept { return fchmodat(AT_FDCWD, path, mode, 0); }

int renameat(int from_at, const char* from, int to_at, const char* to) noexcept {
  return on_name("rename", from, Needs::Room,
                 [=] { return static_cast<int>(::syscall(SYS_renameat2, from_at, from, to_at, to, 0)); });
}
int rename(const char* from, const char* to) noexcept { return renameat(AT_FDCWD, from, AT_FDCWD, to); }
int linkat(int from_at, const char* from, int to_at, const char* to, int flags) noexcept {
  return on_name("link", to, Needs::Room,
                 [=] { return static_cast<int>(::syscall(SYS_linkat, from_at, from, to_at, to, flags)); });
}
int link(const char* from, const char* to) noexcept { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }
int unlinkat(int at, const char* path, int flags) noexcept {
  return on_name("unlink", path, Needs::Nothing,
                 [=] { return static_cast<int>(::syscall(SYS_unlinkat, at, path, flags)); });
}
int unlink(const char* path) noexcept { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char* path) noexcept { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char* path) noexcept {
  const int removed = unlink(path);
  return removed != 0 && errno == EISDIR ? rmdir(path) : removed;
}
int mkdirat(int at, const char* path, mode_t mode) noexcept { return make_folder(at, path, mode); }
int mkdir(const char* path, mode_t mode) noexcept { return make_folder(AT_FDCWD, path, mode); }

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  return on_file("send", fd, Needs::Room,
                 whole([=] { return ::syscall(SYS_sendto, fd, bytes, size, flags, nullptr, 0); }));
}
ssize_t sendto(int fd, const void* bytes, size_t size, int flags, const sockaddr* to, socklen_t to_size) {
  return on_file("send", fd, Needs::Room,
                 whole([=] { return ::syscall(SYS_sendto, fd, bytes, size, flags, to, to_size); }));
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return on_file("send", fd, Needs::Room, whole([=] { return ::syscall(SYS_sendmsg, fd, message, flags); }));
}
int shutdown(int fd, int how) noexcept {
  return on_file("shutdown", fd, Needs::Nothing,
                 whole([=] { return static_cast<int>(::syscall(SYS_shutdown, fd, how)); }));
}

}  // extern "C"

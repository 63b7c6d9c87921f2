// Preloaded, it puts a program into surroundings where something is wrong.
//
// TWINBOX_CLOCK=FILE: the wall clock, by as many seconds as the file says (decimal). The file is read at every call, so
// that the clock can jump while the program runs. Steady time stays right.
//
// TWINBOX_NO_LOCKS=ERRNO: flock(2) fails so, as on a file system without locks.
#include <cerrno>
#include <cstdlib>
#include <ctime>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/time.h>
#include <unistd.h>

namespace {

long offset() {
  const char* const path = std::getenv("TWINBOX_CLOCK");
  const int fd = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[32] = {};
  const ssize_t got = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  return got > 0 ? std::strtol(text, nullptr, 10) : 0;
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static const auto real = next<int (*)(clockid_t, timespec*)>("clock_gettime");
  const int done = real(clock, time);
  if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += offset();
  return done;
}

int gettimeofday(timeval* __restrict time, void* __restrict zone) noexcept {
  static const auto real = next<int (*)(timeval*, void*)>("gettimeofday");
  const int done = real(time, zone);
  if (done == 0) time->tv_sec += offset();
  return done;
}

time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

int flock(int file, int operation) noexcept {
  if (const char* const number = std::getenv("TWINBOX_NO_LOCKS")) {
    errno = std::atoi(number);
    return -1;
  }
  static const auto real = next<int (*)(int, int)>("flock");
  return real(file, operation);
}
}

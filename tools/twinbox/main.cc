// The program: what the process owes its surroundings (signals, core dumps, terminals), then run().
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tools/twinbox/cli.h"

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
#else
constexpr bool kSanitized = false;
#endif

// Passwords live in this process: no core file, no debugger of the same user.
void forbid_dumps() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  // LeakSanitizer traces its own process.
  if (!kSanitized) ::prctl(PR_SET_DUMPABLE, 0);
}

// A descriptor that is closed at the start would be given to the first file opened: the store.
void fill_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0 && ::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) < 0) std::_Exit(3);
  }
}

// The first SIGINT, SIGTERM or SIGHUP asks for an orderly end; the second does not wait for it.
class Signals {
 public:
  Signals() {
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGXFSZ, SIG_IGN);  // a file size limit is an error of the write, as a full disk is
    ::sigemptyset(&set_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) ::sigaddset(&set_, signal);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    thread_ = std::thread([this] { wait(); });
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals() {
    ending_.request_stop();
    ::pthread_kill(thread_.native_handle(), SIGUSR1);
    thread_.join();
  }
  std::stop_token token() const { return stop_.get_token(); }

 private:
  void wait() {
    while (true) {
      int signal = 0;
      if (::sigwait(&set_, &signal) != 0) continue;
      if (ending_.stop_requested()) return;
      if (signal == SIGUSR1) continue;
      if (stop_.stop_requested()) std::_Exit(128 + signal);
      stop_.request_stop();
    }
  }
  sigset_t set_{};
  std::stop_source stop_, ending_;
  std::thread thread_;
};

std::error_code write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return {errno, std::generic_category()};
    if (n == 0) return std::make_error_code(std::errc::io_error);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

twinbox::Stream stream(int fd) {
  twinbox::Stream out;
  out.write = [fd](std::string_view bytes) { return write_all(fd, bytes); };
  out.terminal = ::isatty(fd) == 1;
  out.measure = [fd](twinbox::Stream& self) {
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0) return;
    if (size.ws_col > 0) self.columns = size.ws_col;
    if (size.ws_row > 0) self.rows = size.ws_row;
  };
  out.measure(out);
  return out;
}

libsync::Result<std::string> read_input(size_t max_bytes, const std::stop_token& stop) {
  std::string text;
  std::string piece(64 * 1024, '\0');
  while (true) {
    pollfd ready{0, POLLIN, 0};
    if (stop.stop_requested()) return libsync::fail(libsync::Errc::Cancelled, libsync::say("interrupted"));
    if (::poll(&ready, 1, 100) == 0) continue;
    const ssize_t n = ::read(0, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return libsync::fail(libsync::Errc::Disk, libsync::say("standard input can't be read"));
    if (n == 0) return text;
    text.append(piece, 0, static_cast<size_t>(n));
    if (text.size() > max_bytes) {
      return libsync::fail(libsync::Errc::Limit,
                           libsync::say("standard input is larger than {}", libsync::human_size(max_bytes)));
    }
  }
}

std::string own_path() {
  std::string path(4096, '\0');
  const ssize_t n = ::readlink("/proc/self/exe", path.data(), path.size());
  path.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return path;
}

std::string login_name() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry != nullptr ? entry->pw_name : std::to_string(::geteuid());
}

}  // namespace

int main(int argc, char** argv) {
  fill_standard_descriptors();
  const std::string program = own_path();  // a process that is not dumpable can't read its own link
  forbid_dumps();
  const Signals signals;
  libsync::RealFileSystem fs;
  libsync::SystemClock clock;
  libsync::account::TerminalPrompt prompt;
  twinbox::Surroundings around{.out = stream(1),
                               .err = stream(2),
                               .read_input = [&](size_t max) { return read_input(max, signals.token()); },
                               .environment = libsync::account::process_environment(),
                               .fs = fs,
                               .clock = clock,
                               .prompt = prompt,
                               .run_program = libsync::account::process_runner(signals.token()),
                               .program = program,
                               .user = login_name(),
                               .stop = signals.token()};
  return twinbox::run({argv + (argc > 0 ? 1 : 0), argv + argc}, around);
}

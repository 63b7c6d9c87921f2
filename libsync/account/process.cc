#include "libsync/account/process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libsync/base/clock.h"
#include "libsync/base/words.h"

extern char** environ;

namespace libsync::account {
namespace {

using namespace std::chrono_literals;

constexpr auto kStep = 100ms;  // how soon a stop or the end of a program without output is seen
constexpr auto kGrace = 2s;    // between TERM and KILL

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { close(); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void set(int fd) {
    close();
    fd_ = fd;
  }
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_;
};

struct Pipe {
  Fd read, write;
  bool make() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read.set(ends[0]);
    write.set(ends[1]);
    return true;
  }
};

struct Child {
  pid_t pid = 0;
  Pipe in, out, err;
  bool own_group = false;

  void end(int signal) const { ::kill(own_group ? -pid : pid, signal); }
};

// posix_spawn's attributes, freed at the end of the scope.
struct SpawnPlan {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
};

Status spawn(Child& child, const std::vector<std::string>& argv, bool feed_input) {
  if (!child.out.make() || !child.err.make() || (feed_input && !child.in.make())) {
    return fail(Errc::Internal, say("{}: {}", argv[0], std::strerror(errno)));
  }
  SpawnPlan plan;
  if (feed_input) ::posix_spawn_file_actions_adddup2(&plan.actions, child.in.read.get(), 0);
  ::posix_spawn_file_actions_adddup2(&plan.actions, child.out.write.get(), 1);
  ::posix_spawn_file_actions_adddup2(&plan.actions, child.err.write.get(), 2);
  // The program gets the signals' defaults back: this process ignores or blocks some of them.
  sigset_t none, defaults;
  ::sigemptyset(&none);
  ::sigemptyset(&defaults);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&defaults, signal);
  ::posix_spawnattr_setsigmask(&plan.attributes, &none);
  ::posix_spawnattr_setsigdefault(&plan.attributes, &defaults);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  // A group of its own lets its children be ended too; but a background group may not read the terminal.
  child.own_group = feed_input || ::isatty(0) == 0;
  if (child.own_group) flags |= POSIX_SPAWN_SETPGROUP;
  ::posix_spawnattr_setflags(&plan.attributes, flags);
  std::vector<char*> arguments;
  for (const auto& argument : argv) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const int error =
      ::posix_spawnp(&child.pid, argv[0].c_str(), &plan.actions, &plan.attributes, arguments.data(), environ);
  child.in.read.close();
  child.out.write.close();
  child.err.write.close();
  if (error != 0) return fail(Errc::NotFound, say("{}: {}", argv[0], std::strerror(error)));
  return {};
}

void drain(Fd& from, std::string& into, size_t most) {
  std::array<char, 16384> buffer;
  const ssize_t n = ::read(from.get(), buffer.data(), buffer.size());
  if (n < 0 && errno == EINTR) return;
  if (n <= 0) {
    from.close();
  } else {
    into.append(buffer.data(), std::min(static_cast<size_t>(n), most - std::min(most, into.size())));
  }
}

void feed(Fd& to, std::string_view& input) {
  const ssize_t n = input.empty() ? 0 : ::write(to.get(), input.data(), input.size());
  if (n > 0) input.remove_prefix(static_cast<size_t>(n));
  if (input.empty() || (n < 0 && errno != EINTR && errno != EAGAIN)) to.close();
}

bool reap(const Child& child, int& status) {
  int raw = 0;
  if (::waitpid(child.pid, &raw, WNOHANG) != child.pid) return false;
  status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  return true;
}

void kill_and_reap(const Child& child, int& status) {
  child.end(SIGTERM);
  const auto until = Steady::now() + kGrace;
  while (!reap(child, status)) {
    if (Steady::now() > until) child.end(SIGKILL);
    std::this_thread::sleep_for(10ms);
  }
}

}  // namespace

Result<ProcessOutcome> run_process(const std::vector<std::string>& argv, const ProcessOptions& options,
                                   std::stop_token stop) {
  Child child;
  TB_TRY(spawn(child, argv, options.feed_input));
  if (child.in.write.is_open()) ::fcntl(child.in.write.get(), F_SETFL, O_NONBLOCK);
  ProcessOutcome outcome;
  std::string_view input = options.input;
  const auto deadline = Steady::now() + options.timeout;
  bool ended = false;
  while (true) {
    std::array<pollfd, 3> fds = {
        {{child.out.read.get(), POLLIN, 0}, {child.err.read.get(), POLLIN, 0}, {child.in.write.get(), POLLOUT, 0}}};
    ::poll(fds.data(), fds.size(), ended ? 0 : static_cast<int>(kStep.count()));
    if (fds[0].revents != 0) drain(child.out.read, outcome.out, options.max_output);
    if (fds[1].revents != 0) drain(child.err.read, outcome.err, options.max_output);
    if (fds[2].revents != 0) feed(child.in.write, input);
    const bool quiet = fds[0].revents == 0 && fds[1].revents == 0;
    // A daemon that the program started may hold the pipes open: its end is what counts.
    if (ended && quiet) return outcome;
    if (!ended) ended = reap(child, outcome.status);
    if (ended) continue;
    if (stop.stop_requested()) {
      kill_and_reap(child, outcome.status);
      return fail(Errc::Cancelled, say("{} was interrupted", argv[0]));
    }
    if (Steady::now() > deadline) {
      kill_and_reap(child, outcome.status);
      outcome.timed_out = true;
      return outcome;
    }
  }
}

}  // namespace libsync::account

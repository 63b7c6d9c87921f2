// Runs a program and writes what it took to a file: `launch REPORT PROGRAM [ARGUMENT…]`.
//
// The report is one line: seconds of the clock, CPU seconds of the program (user, system), kilobytes resident at
// most. Small on purpose: what wait4() tells of a child begins with the memory of whoever forked it, and Python's
// would hide that of a small program.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int kCannotRun = 127;  // as shells have it
  if (argc < 3) {
    std::fputs("launch: REPORT PROGRAM [ARGUMENT…]\n", stderr);
    return 2;
  }
  const auto started = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // whoever gives up waiting ends the launcher, and this with it
    execvp(argv[2], argv + 2);
    std::perror(argv[2]);
    _exit(kCannotRun);
  }
  int status = 0;
  rusage used{};
  if (child < 0 || wait4(child, &status, 0, &used) != child) {
    std::perror("launch");
    return kCannotRun;
  }
  const double passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  std::FILE* report = std::fopen(argv[1], "w");
  if (report == nullptr ||
      std::fprintf(report, "%.6f %.6f %.6f %ld\n", passed, seconds(used.ru_utime), seconds(used.ru_stime),
                   used.ru_maxrss) < 0 ||
      std::fclose(report) != 0) {
    std::perror(argv[1]);
    return kCannotRun;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

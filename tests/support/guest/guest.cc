// Preloaded into servers of the tests that expect to be started by root and to find a socket at a place of the system's
// (tests/support/unpacked.py). It gives them no right that they had not: a change of groups that is refused is passed
// over, TWINBOX_GUEST_SOCKET stands in for the socket of Courier's password server, and so does a monitor of files that
// knows nothing for the one that Courier would wait for (1 s a login). Nor is a server of a test made to last: nothing
// waits for the disk, and no answer for the one before it to be acknowledged (40 ms each with imaplib and poplib).
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace {

constexpr char kPasswords[] = "/run/courier/authdaemon/socket";

template <typename Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

// The user that Courier's package would have made is the one that runs it.
passwd* getpwnam(const char* name) {
  return std::strcmp(name, "courier") == 0 ? getpwuid(getuid()) : real<passwd*(const char*)>("getpwnam")(name);
}

int setgid(gid_t group) {
  (void)real<int(gid_t)>("setgid")(group);
  return 0;
}

int setgroups(size_t count, const gid_t* groups) {
  (void)real<int(size_t, const gid_t*)>("setgroups")(count, groups);
  return 0;
}

int initgroups(const char* user, gid_t group) {
  (void)real<int(const char*, gid_t)>("initgroups")(user, group);
  return 0;
}

int fsync(int) { return 0; }

int fdatasync(int) { return 0; }

int msync(void*, size_t, int) { return 0; }

// A monitor that never has news; its connection begins with a file descriptor.
int FAMOpen(int* connection) {
  *connection = -1;
  return 0;
}

int FAMClose(int*) { return 0; }

int FAMPending(int*) { return 0; }

int accept(int socket, sockaddr* address, socklen_t* length) {
  static auto* const next = real<int(int, sockaddr*, socklen_t*)>("accept");
  const int accepted = next(socket, address, length);
  const int on = 1;
  if (accepted >= 0) (void)setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return accepted;
}

int connect(int socket, const sockaddr* address, socklen_t length) {
  static auto* const next = real<int(int, const sockaddr*, socklen_t)>("connect");
  const char* instead = std::getenv("TWINBOX_GUEST_SOCKET");
  sockaddr_un there{};
  if (instead != nullptr && address->sa_family == AF_UNIX && std::strlen(instead) < sizeof there.sun_path &&
      std::strcmp(reinterpret_cast<const sockaddr_un*>(address)->sun_path, kPasswords) == 0) {
    there.sun_family = AF_UNIX;
    std::strcpy(there.sun_path, instead);
    return next(socket, reinterpret_cast<const sockaddr*>(&there), sizeof there);
  }
  return next(socket, address, length);
}

}  // extern "C"

// Preloaded into servers of the tests that expect to be started by root and to find a socket at a place of the system's
// (tests/support/unpacked.py). It gives them no right that they had not: a change of groups that is refused is passed
// over, TWINBOX_GUEST_SOCKET stands in for the socket of Courier's password server, and nobody waits for the monitor of
// files that is not there (1 s a login).
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <grp.h>
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

int FAMOpen(void*) { return -1; }

int FAMOpen2(void*, const char*) { return -1; }

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

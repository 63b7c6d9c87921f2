// Result<T>: how every layer of libsync reports failure. Exceptions stay inside the library that
// throws them.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace libsync {

// What kind of failure it is; decides the exit status and whether trying again can help.
enum class Errc {
  Usage,      // the caller's words or values are wrong
  Config,     // a configuration file is wrong
  NotFound,   // the thing named does not exist
  Auth,       // the server refused the credentials
  Tls,        // certificate, pin or handshake; also TLS required and not offered
  Network,    // resolve, connect, timeout, connection lost
  Protocol,   // the server's bytes do not follow the protocol
  Limit,      // input larger than a limit of ours
  Refused,    // the server understood and said no
  Disk,       // a local file system call failed (full, read-only, I/O error)
  Busy,       // the store is in use by another twinbox
  Newer,      // a store written by a newer version
  Corrupt,    // a local file is damaged
  Fuse,       // the deletion fuse holds something back
  Cancelled,  // the caller's stop_token asked for it
  Internal,   // a defect of twinbox
};

// One failure. `what` is a full sentence fragment for the user, with the thing it concerns ("login
// refused by imap.example.org"); `server` holds the server's own words, already stripped of control
// characters; `hint` says what to do about it. None of them ever contains a secret.
struct Error {
  Errc code = Errc::Internal;
  std::string what;
  std::string server{};
  std::string hint{};
  bool retry = false;                   // trying again later, unchanged, may help
  std::chrono::seconds retry_after{0};  // the server's own suggestion; 0: none

  // "what: "server's words" (hint)", on one line.
  std::string text() const;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> fail(Errc code, std::string what) {
  return std::unexpected(Error{.code = code, .what = std::move(what)});
}
inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

// The exit status a failure of this kind gives: 2 usage, 3 an account failed, 4
// authentication, 5 network, 6 deletion fuse, 7 store in use, 8 damaged store or data, 130 stopped (as the
// shell has it for Ctrl-C).
int exit_status(Errc code);
// The same, but 5 also for a refusal that passes (another session, a limit): try later.
int exit_status(const Error& error);

}  // namespace libsync

// Returns the error of `expression` from the enclosing function, if it has one.
#define TB_TRY(expression)                                      \
  do {                                                          \
    if (auto tb_result = (expression); !tb_result) [[unlikely]] \
      return std::unexpected(std::move(tb_result).error());     \
  } while (false)

#define TB_JOIN2(a, b) a##b
#define TB_JOIN(a, b) TB_JOIN2(a, b)
// Declares or assigns `target` from the value of `expression`, or returns its error.
#define TB_ASSIGN(target, expression) TB_ASSIGN_IMPL(target, expression, TB_JOIN(tb_result_, __LINE__))
#define TB_ASSIGN_IMPL(target, expression, result)     \
  auto result = (expression);                          \
  if (!result) [[unlikely]]                            \
    return std::unexpected(std::move(result).error()); \
  target = std::move(*result)

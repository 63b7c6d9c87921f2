// A connected TCP socket that never blocks outside wait(). Inside net only: sessions see Channel.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/base/result.h"
#include "libsync/net/resolve.h"

namespace libsync::net {

// How a read or write that does not wait ended.
enum class Io { Done, WouldBlock, Closed, Failed };

struct IoResult {
  Io io = Io::Done;
  size_t bytes = 0;
  int error = 0;  // errno, with Failed
};

// One thread at a time.
class Socket {
 public:
  // Connects to the first address that answers (RFC 8305): each gets a head start of kAttemptDelay
  // over the next one, and `per_address` at most. `who` stands for the peer in errors. `note` hears of
  // each attempt and each failure; may be empty.
  static Result<Socket> dial(const std::vector<Address>& addresses, uint16_t port,
                             std::chrono::milliseconds per_address, Deadline deadline, std::stop_token stop,
                             const std::string& who, const std::function<void(const std::string&)>& note = {});

  // A connected socket that accept() gave; `peer`: the client's address. Errc::Network without descriptors for it.
  static Result<Socket> adopt(int descriptor, bool v6, std::string peer);

  Socket(Socket&&) noexcept;
  Socket& operator=(Socket&&) noexcept;
  ~Socket();

  // Never raise SIGPIPE.
  IoResult read_some(std::span<char> out);
  IoResult write_some(std::string_view bytes);
  bool has_input();  // bytes wait to be read

  enum class Ready { Yes, TimedOut, Cancelled };
  // `wakes`: a wake() makes it TimedOut.
  Ready wait(bool to_read, bool to_write, Deadline deadline, const std::stop_token& stop, bool wakes = false);
  // From any thread, for the wait() that wakes: the one at hand, or the next.
  void wake();

  uint64_t bytes_in() const;
  uint64_t bytes_out() const;
  const std::string& peer() const;  // the address that answered

  // All of `bytes` out; exactly out.size() bytes in: for the short dialogues with proxies. `who` stands
  // for the peer in errors.
  Status write_all(std::string_view bytes, const std::string& who, Deadline deadline, const std::stop_token& stop);
  Status read_exactly(std::span<char> out, const std::string& who, Deadline deadline, const std::stop_token& stop);

 private:
  struct Impl;
  explicit Socket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// "host:port", "[::1]:port".
std::string shown(const std::string& host, uint16_t port);

// The errors that every part of net words alike.
Error cancelled();
Error timed_out(const std::string& who);
Error lost(const std::string& who, int error);

}  // namespace libsync::net

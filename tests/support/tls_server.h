// A server on a free loopback port, in threads of its own, for tests: plain, TLS, or plain first and
// TLS later. What it does with a connection is a function.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "tests/support/certs.h"

namespace twinbox::test {

struct ServerTls {
  Certificate certificate;
  int max_version = 0;  // an OpenSSL constant such as TLS1_1_VERSION; 0: any
};

// One accepted connection, as blocking calls. Every call ends when the server object goes, and after
// 20 s at the latest.
class Peer {
 public:
  explicit Peer(int fd);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  bool write(std::string_view bytes);  // all of it; false: the client is gone
  // At most `max` bytes, at least one; empty: the client is gone.
  std::string read(size_t max = 65536);
  // Up to and with LF; what came so far if the client goes before.
  std::string read_line();
  std::string read_exactly(size_t n);
  bool start_tls(const ServerTls& tls);  // false: the handshake failed
  void wait_for_close();                 // reads and forgets until the client goes
  void close();                          // orderly: with close_notify under TLS
  void close_abruptly();                 // FIN without close_notify
  void reset();                          // RST
  bool encrypted() const;
  void interrupt();  // from another thread: ends every call

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Accepts connections until it goes; each runs `handler` on a thread of its own. The destructor ends
// all of them. `ip` is "127.0.0.1" or "::1".
class LoopbackServer {
 public:
  using Handler = std::function<void(Peer&)>;
  explicit LoopbackServer(Handler handler, const std::string& ip = "127.0.0.1", uint16_t port = 0);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  uint16_t port() const;
  int connections() const;  // accepted so far

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A loopback port on which nobody listens: connecting to it is refused.
uint16_t unused_port();

}  // namespace twinbox::test

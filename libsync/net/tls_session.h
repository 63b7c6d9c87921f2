// TLS over a Socket, either side. Inside net only.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "libsync/base/clock.h"
#include "libsync/base/result.h"
#include "libsync/base/trace.h"
#include "libsync/net/channel.h"
#include "libsync/net/socket.h"
#include "libsync/net/tls_options.h"
#include "libsync/net/tls_server.h"

namespace libsync::net {

// One thread at a time. `socket` and `options` must outlive it.
class TlsSession {
 public:
  static Result<std::unique_ptr<TlsSession>> make(Socket& socket, const TlsOptions& options, const std::string& host,
                                                  uint16_t port, Trace* trace);
  // The server's side; `client` is its address. Reads in pieces of `read_ahead` octets.
  static Result<std::unique_ptr<TlsSession>> serve(Socket& socket, std::shared_ptr<TlsServer> server,
                                                   const std::string& client, uint16_t port, size_t read_ahead);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  Status handshake(Deadline deadline, const std::stop_token& stop);
  const TlsInfo& info() const;

  // As Socket's; Closed means a close_notify. After Failed, failure() has the words.
  IoResult read_some(std::span<char> out);
  IoResult write_some(std::string_view bytes);
  const Error& failure() const;
  // A read that would block may need to write first (a key update).
  bool read_wants_write() const;
  void close_notify();  // as far as it goes without waiting

 private:
  struct Impl;
  explicit TlsSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace libsync::net

// A mail server on this machine's ports: who listens, who is spoken to, and the end of it all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/base/result.h"
#include "libsync/base/trace.h"
#include "libsync/net/channel.h"
#include "libsync/net/tls_server.h"
#include "libsync/server/session.h"

namespace libsync::server {

// Of one connection; what a session of any protocol needs to know of it.
struct Peer {
  bool encrypted = false;
  std::vector<sasl::ChannelBinding> bindings{};
  Trace* trace = nullptr;  // not owned; null: nobody looks
};
using MakeSession = std::function<std::unique_ptr<Session>(const Peer& peer, Steady::time_point now)>;

struct Endpoint {
  std::string name{};  // "imaps", for people and traces
  bool tls = false;    // from the first octet on
  std::string ip = "127.0.0.1";
  uint16_t port = 0;    // 0: one that is free
  int descriptor = -1;  // of a socket that listens already; not -1: ip and port are its own
  MakeSession make{};
};

struct ServiceOptions {
  std::vector<Endpoint> endpoints{};
  std::shared_ptr<net::TlsServer> tls{};  // null: none of the endpoints can do it
  // All in all. Who comes when there are as many is told to go: a thread and some 100 kB each.
  size_t connections = 500;
  // A trace for each connection, named by its endpoint and number; empty: none.
  std::function<std::unique_ptr<Trace>(const std::string& name)> trace{};
  // Given, when it starts, what wakes the sessions to tell of changes; and nothing, before it ends. Empty: nobody wakes
  // them.
  std::function<void(std::function<void()>)> woken_by{};
  const Clock* clock = nullptr;  // null: the machine's
};

// Serves from start() on, on threads of its own, until it goes. Thread-safe.
class Service {
 public:
  // All endpoints or none. Errors: net::Listener::open().
  static Result<std::unique_ptr<Service>> start(ServiceOptions options);
  // Takes no more connections, tells those that are there that it ends, and waits for them. What was answered is done.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  struct Bound {
    std::string name{}, ip{};
    uint16_t port = 0;
    bool tls = false;
  };
  const std::vector<Bound>& endpoints() const;
  size_t connections() const;

 private:
  struct Impl;
  explicit Service(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace libsync::server

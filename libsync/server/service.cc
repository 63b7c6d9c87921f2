#include "libsync/server/service.h"

#include <algorithm>
#include <atomic>
#include <list>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "libsync/base/words.h"
#include "libsync/net/listen.h"
#include "libsync/server/connection.h"

namespace libsync::server {
namespace {

constexpr std::chrono::seconds kHandshakeTimeout{30};
constexpr std::chrono::seconds kRefusalTimeout{1};

const SystemClock kMachineClock;

}  // namespace

struct Service::Impl {
  explicit Impl(ServiceOptions given) : options(std::move(given)) {}

  struct Connection {
    std::unique_ptr<net::Channel> channel;  // null: it is over
    std::atomic<bool> done = false;
    std::jthread thread{};
  };
  struct Listening {
    Endpoint endpoint;
    std::unique_ptr<net::Listener> listener;
    std::jthread thread{};
  };

  const Clock& clock() const { return options.clock == nullptr ? kMachineClock : *options.clock; }

  void accept_on(Listening& listening, const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      auto channel = listening.listener->accept(options.tls, nullptr, stop);
      // Nothing can be accepted any more: the other endpoints go on.
      if (!channel) return;
      take(listening.endpoint, std::move(*channel), stop);
    }
  }

  void take(const Endpoint& endpoint, std::unique_ptr<net::Channel> channel, const std::stop_token& stop) {
    const std::scoped_lock lock(mutex);
    connections.remove_if([](const Connection& each) { return each.done.load(); });
    if (stop.stop_requested()) return;
    const bool full = connections.size() >= options.connections;
    Connection& connection = connections.emplace_back();
    connection.channel = std::move(channel);
    const uint64_t number = ++count;
    try {
      connection.thread = std::jthread([this, &endpoint, &connection, number, full](const std::stop_token& ends) {
        speak(endpoint, *connection.channel, number, full, ends);
        const std::scoped_lock over(mutex);
        connection.channel.reset();
        connection.done = true;
      });
    } catch (const std::system_error&) {
      connections.pop_back();  // the system has no thread for it: this one is not served, others are
    }
  }

  void speak(const Endpoint& endpoint, net::Channel& channel, uint64_t number, bool full, const std::stop_token& stop) {
    const auto trace = options.trace ? options.trace(fmt::format("{} {}", endpoint.name, number)) : nullptr;
    // In the clear nothing but the protocol's own first line could be said, which is not worth a session.
    if (full && endpoint.tls) return;
    if (endpoint.tls) {
      const Status handshake = channel.start_tls(0, clock().now() + kHandshakeTimeout, stop);
      if (!handshake) return tell_end(trace.get(), handshake);
    }
    const Peer peer{.encrypted = endpoint.tls, .bindings = bindings_of(channel), .trace = trace.get()};
    const auto session = endpoint.make(peer, clock().now());
    if (full) {
      session->shut_down("too many connections");
      channel.send(session->take_output(clock().now()));
      (void)channel.flush(clock().now() + kRefusalTimeout, stop);
      return;
    }
    tell_end(trace.get(), serve(channel, *session, clock(), stop));
  }

  // However it ended, there is nobody left to be told but who looks on.
  static void tell_end(Trace* trace, const Status& end) {
    if (trace != nullptr && !end && end.error().code != Errc::Cancelled)
      trace->line(TraceKind::Note, end.error().text());
  }

  void wake() {
    const std::scoped_lock lock(mutex);
    for (auto& each : connections) {
      if (each.channel) each.channel->wake();
    }
  }

  const ServiceOptions options;
  std::list<Listening> listeners;
  std::vector<Bound> bound;
  mutable std::mutex mutex;
  std::list<Connection> connections;  // behind `mutex`; one goes when its thread is done and the next comes
  uint64_t count = 0;
};

Service::Service(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Service>> Service::start(ServiceOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  for (const Endpoint& endpoint : impl->options.endpoints) {
    auto listener = endpoint.descriptor >= 0 ? net::Listener::adopt(endpoint.descriptor)
                                             : net::Listener::open(endpoint.ip, endpoint.port);
    if (!listener) return fail(listener.error());
    impl->bound.push_back(
        {.name = endpoint.name, .ip = (*listener)->ip(), .port = (*listener)->port(), .tls = endpoint.tls});
    impl->listeners.push_back({.endpoint = endpoint, .listener = std::move(*listener)});
  }
  for (auto& each : impl->listeners) {
    each.thread =
        std::jthread([inner = impl.get(), &each](const std::stop_token& stop) { inner->accept_on(each, stop); });
  }
  if (impl->options.woken_by) impl->options.woken_by([inner = impl.get()] { inner->wake(); });
  return std::unique_ptr<Service>(new Service(std::move(impl)));
}

Service::~Service() {
  if (impl_->options.woken_by) impl_->options.woken_by({});
  for (auto& each : impl_->listeners) each.thread.request_stop();
  for (auto& each : impl_->listeners) each.thread.join();
  // All are asked before the first is waited for.
  for (auto& each : impl_->connections) each.thread.request_stop();
  impl_->connections.clear();
}

const std::vector<Service::Bound>& Service::endpoints() const { return impl_->bound; }

size_t Service::connections() const {
  const std::scoped_lock lock(impl_->mutex);
  return static_cast<size_t>(std::ranges::count_if(impl_->connections, [](const auto& each) { return !each.done; }));
}

}  // namespace libsync::server

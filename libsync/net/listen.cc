#include "libsync/net/listen.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "libsync/base/words.h"
#include "libsync/net/socket.h"
#include "libsync/net/socket_channel.h"

namespace libsync::net {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// Connections that wait to be accepted.
constexpr int kBacklog = 128;
// Without descriptors or memory for another connection: some may be free again.
constexpr std::chrono::milliseconds kPause{100};

Error listen_error(const boost::system::error_code& ec, const std::string& at) {
  if (ec == asio::error::address_in_use)
    return {.code = Errc::Busy,
            .what = say("somebody listens at {} already", at),
            .hint = say("use another port, or 0 for one that is free")};
  if (ec == asio::error::access_denied)
    return {.code = Errc::Refused,
            .what = say("not allowed to listen at {}", at),
            .hint = say("ports below 1024 are the system's: use a larger one")};
  return {.code = Errc::Config, .what = say("cannot listen at {}: {}", at, ec.message())};
}

bool passes(int error) {
  switch (error) {
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EOPNOTSUPP:
    case EFAULT:
      return false;
    default:
      return true;
  }
}

bool is_short_of_something(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

struct Listener::Impl {
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  tcp::endpoint at;
  std::string ip;

  // False: `stop` asked. For a connection, or for a time.
  bool wait(std::optional<std::chrono::milliseconds> time, const std::stop_token& stop) {
    bool ready = false, stopped = false;
    asio::steady_timer timer(io);
    const auto on_ready = [&ready](const boost::system::error_code& ec) {
      if (ec != asio::error::operation_aborted) ready = true;
    };
    io.restart();
    {
      const std::stop_callback on_stop(stop, [&] { asio::post(io, [&] { stopped = true; }); });
      if (time) {
        timer.expires_after(*time);
        timer.async_wait(on_ready);
      } else {
        acceptor.async_wait(tcp::acceptor::wait_read, on_ready);
      }
      while (!ready && !stopped && io.run_one() != 0) {
      }
    }
    timer.cancel();
    boost::system::error_code ignored;
    acceptor.cancel(ignored);
    io.restart();
    io.run();
    return !stopped;
  }
};

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() = default;
uint16_t Listener::port() const { return impl_->at.port(); }
const std::string& Listener::ip() const { return impl_->ip; }

Result<std::unique_ptr<Listener>> Listener::open(const std::string& ip, uint16_t port) {
  const std::string at = shown(ip, port);
  boost::system::error_code bad;
  const auto address = asio::ip::make_address(ip, bad);
  if (bad) return fail(Errc::Config, say("\"{}\" is no address", ip));
  auto impl = std::make_unique<Impl>();
  const tcp::endpoint where(address, port);
  impl->acceptor.open(where.protocol(), bad);
  // A server that was ended and is begun again gets its port at once.
  if (!bad) impl->acceptor.set_option(tcp::acceptor::reuse_address(true), bad);
  if (!bad && address.is_v6()) impl->acceptor.set_option(asio::ip::v6_only(true), bad);
  if (!bad) impl->acceptor.bind(where, bad);
  if (!bad) impl->acceptor.listen(kBacklog, bad);
  if (!bad) impl->acceptor.non_blocking(true, bad);
  if (!bad) impl->at = impl->acceptor.local_endpoint(bad);
  if (bad) return fail(listen_error(bad, at));
  impl->ip = ip;
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

Result<std::unique_ptr<Listener>> Listener::adopt(int descriptor) {
  int listens = 0, family = 0;
  socklen_t size = sizeof listens;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0 ||
      ::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0 ||
      (family != AF_INET && family != AF_INET6)) {
    return fail(Errc::Config, say("descriptor {} is no TCP socket that listens", descriptor));
  }
  auto impl = std::make_unique<Impl>();
  boost::system::error_code bad;
  impl->acceptor.assign(family == AF_INET6 ? tcp::v6() : tcp::v4(), descriptor, bad);
  if (!bad) impl->acceptor.non_blocking(true, bad);
  if (!bad) impl->at = impl->acceptor.local_endpoint(bad);
  if (bad) return fail(Errc::Config, say("descriptor {}: {}", descriptor, bad.message()));
  impl->ip = impl->at.address().to_string();
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

Result<std::unique_ptr<Channel>> Listener::accept(std::shared_ptr<TlsServer> tls, Trace* trace, std::stop_token stop) {
  while (true) {
    if (stop.stop_requested() || !impl_->wait(std::nullopt, stop)) return fail(cancelled());
    const int got = ::accept4(impl_->acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC);
    if (got < 0) {
      const int error = errno;
      if (!passes(error)) return fail(Errc::Internal, say("cannot accept connections: {}", std::strerror(error)));
      if (is_short_of_something(error) && !impl_->wait(kPause, stop)) return fail(cancelled());
      continue;
    }
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(got, reinterpret_cast<sockaddr*>(&peer), &size) != 0) {
      ::close(got);  // it is gone already
      continue;
    }
    tcp::endpoint from;
    std::memcpy(from.data(), &peer, std::min<size_t>(size, from.capacity()));
    auto socket = Socket::adopt(got, peer.ss_family == AF_INET6, from.address().to_string());
    if (!socket) continue;
    const std::string client = socket->peer();
    return std::make_unique<SocketChannel>(std::move(*socket), client, from.port(), tls, trace);
  }
}

}  // namespace libsync::net

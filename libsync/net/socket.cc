#include "libsync/net/socket.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libsync/base/words.h"
#include "libsync/net/connect.h"

namespace libsync::net {

namespace asio = boost::asio;
using asio::ip::tcp;

Error cancelled() { return {.code = Errc::Cancelled, .what = say("stopped")}; }

Error timed_out(const std::string& who) {
  return {.code = Errc::Network, .what = say("{} did not answer in time", who), .retry = true};
}

Error lost(const std::string& who, int error) {
  const std::string_view why = error == EPIPE || error == ECONNRESET ? word("it was cut off") : std::strerror(error);
  return {.code = Errc::Network, .what = say("lost the connection to {}: {}", who, why), .retry = true};
}

std::string shown(const std::string& host, uint16_t port) {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

struct Socket::Impl {
  asio::io_context io{1};
  tcp::socket socket{io};
  uint64_t in = 0, out = 0;
  std::string peer;
  bool woken = false;  // set by a handler, and so by the thread that waits
};

namespace {

// Happy eyeballs over one io_context. Its handlers refer to it, so finish() runs them all before it goes.
class Race {
 public:
  Race(asio::io_context& io, const std::vector<Address>& addresses, uint16_t port,
       std::chrono::milliseconds per_address, const std::function<void(const std::string&)>& note)
      : io_(io), next_timer_(io), addresses_(addresses), port_(port), per_address_(per_address), note_(note) {}

  enum class End { Connected, Failed, TimedOut, Cancelled };

  End run(Deadline deadline, const std::stop_token& stop) {
    {
      const std::stop_callback on_stop(stop, [this] { asio::post(io_, [this] { stopped_ = true; }); });
      start_next();
      while (!won() && !stopped_ && running_ != 0 && io_.run_one_until(deadline) != 0) {
      }
    }
    const auto end = won() ? End::Connected : stopped_ ? End::Cancelled : running_ == 0 ? End::Failed : End::TimedOut;
    finish();
    return end;
  }

  tcp::socket take() { return std::move(attempts_[*winner_]->socket); }
  const std::string& winner() const { return addresses_[*winner_].ip; }
  const boost::system::error_code& first_error() const { return error_; }

 private:
  struct Attempt {
    explicit Attempt(asio::io_context& io) : socket(io), timer(io) {}
    tcp::socket socket;
    asio::steady_timer timer;
    bool too_slow = false;
  };

  bool won() const { return winner_.has_value(); }

  void start_next() {
    if (attempts_.size() == addresses_.size() || won()) return;
    const size_t index = attempts_.size();
    auto& attempt = *attempts_.emplace_back(std::make_unique<Attempt>(io_));
    ++running_;
    if (note_) note_(say("connecting to {}", shown(addresses_[index].ip, port_)));
    boost::system::error_code bad;
    const auto ip = asio::ip::make_address(addresses_[index].ip, bad);
    if (bad) {
      asio::post(io_, [this, index, bad] { failed(index, bad); });
      return;
    }
    attempt.timer.expires_after(per_address_);
    attempt.timer.async_wait([&attempt](const boost::system::error_code& ec) {
      if (ec) return;
      attempt.too_slow = true;
      boost::system::error_code ignored;
      attempt.socket.close(ignored);
    });
    attempt.socket.async_connect(tcp::endpoint(ip, port_), [this, index](const boost::system::error_code& ec) {
      auto& mine = *attempts_[index];
      mine.timer.cancel();
      if (ec) return failed(index, mine.too_slow ? asio::error::make_error_code(asio::error::timed_out) : ec);
      if (!won()) winner_ = index;
    });
    next_timer_.expires_after(kAttemptDelay);
    next_timer_.async_wait([this](const boost::system::error_code& ec) {
      if (!ec) start_next();
    });
  }

  void failed(size_t index, const boost::system::error_code& ec) {
    --running_;
    if (note_ && !finished_) note_(say("{}: {}", shown(addresses_[index].ip, port_), ec.message()));
    // "Refused" says more than "no route", which only means that this machine lacks the family.
    if (!error_ || ec == asio::error::connection_refused) error_ = ec;
    if (finished_) return;
    next_timer_.cancel();
    start_next();
  }

  void finish() {
    finished_ = true;
    next_timer_.cancel();
    boost::system::error_code ignored;
    for (size_t i = 0; i < attempts_.size(); ++i) {
      attempts_[i]->timer.cancel();
      if (!winner_ || *winner_ != i) attempts_[i]->socket.close(ignored);
    }
    io_.restart();
    io_.run();
  }

  asio::io_context& io_;
  asio::steady_timer next_timer_;
  const std::vector<Address>& addresses_;
  const uint16_t port_;
  const std::chrono::milliseconds per_address_;
  const std::function<void(const std::string&)>& note_;
  std::vector<std::unique_ptr<Attempt>> attempts_;
  std::optional<size_t> winner_;
  boost::system::error_code error_;
  size_t running_ = 0;
  bool stopped_ = false, finished_ = false;
};

Error connect_error(const boost::system::error_code& ec, const std::string& who) {
  if (ec == asio::error::connection_refused)
    return {.code = Errc::Network,
            .what = say("{} refused the connection", who),
            .hint = say("nothing listens on that port, or a firewall answers for it"),
            .retry = true};
  if (ec == asio::error::timed_out) return timed_out(who);
  return {.code = Errc::Network, .what = say("cannot reach {}: {}", who, ec.message()), .retry = true};
}

}  // namespace

Result<Socket> Socket::dial(const std::vector<Address>& addresses, uint16_t port, std::chrono::milliseconds per_address,
                            Deadline deadline, std::stop_token stop, const std::string& who,
                            const std::function<void(const std::string&)>& note) {
  if (addresses.empty()) return fail(Errc::Internal, say("no address for {}", who));
  try {
    auto impl = std::make_unique<Impl>();
    Race race(impl->io, addresses, port, per_address, note);
    switch (race.run(deadline, stop)) {
      case Race::End::Connected:
        break;
      case Race::End::Cancelled:
        return fail(cancelled());
      case Race::End::TimedOut:
        return fail(timed_out(who));
      case Race::End::Failed:
        return fail(connect_error(race.first_error(), who));
    }
    impl->socket = race.take();
    impl->peer = race.winner();
    boost::system::error_code ignored;
    impl->socket.set_option(tcp::no_delay(true), ignored);
    impl->socket.set_option(tcp::socket::keep_alive(true), ignored);
    return Socket(std::move(impl));
  } catch (const boost::system::system_error& error) {  // out of file descriptors
    return fail(Errc::Network, say("cannot reach {}: {}", who, error.code().message()));
  }
}

Result<Socket> Socket::adopt(int descriptor, bool v6, std::string peer) {
  try {
    auto impl = std::make_unique<Impl>();
    impl->socket.assign(v6 ? tcp::v6() : tcp::v4(), descriptor);
    impl->peer = std::move(peer);
    boost::system::error_code ignored;
    impl->socket.set_option(tcp::no_delay(true), ignored);
    impl->socket.set_option(tcp::socket::keep_alive(true), ignored);
    return Socket(std::move(impl));
  } catch (const boost::system::system_error& error) {  // out of file descriptors
    ::close(descriptor);
    return fail(Errc::Network, say("cannot take the connection of {}: {}", peer, error.code().message()));
  }
}

Socket::Socket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Socket::Socket(Socket&&) noexcept = default;
Socket& Socket::operator=(Socket&&) noexcept = default;
Socket::~Socket() = default;

IoResult Socket::read_some(std::span<char> out) {
  ssize_t n = 0;
  do n = ::recv(impl_->socket.native_handle(), out.data(), out.size(), MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  if (n > 0) {
    impl_->in += static_cast<uint64_t>(n);
    return {.io = Io::Done, .bytes = static_cast<size_t>(n)};
  }
  if (n == 0) return {.io = Io::Closed};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {.io = Io::WouldBlock};
  return {.io = Io::Failed, .error = errno};
}

IoResult Socket::write_some(std::string_view bytes) {
  ssize_t n = 0;
  do n = ::send(impl_->socket.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n >= 0) {
    impl_->out += static_cast<uint64_t>(n);
    return {.io = Io::Done, .bytes = static_cast<size_t>(n)};
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {.io = Io::WouldBlock};
  return {.io = Io::Failed, .error = errno};
}

bool Socket::has_input() {
  char byte = 0;
  return ::recv(impl_->socket.native_handle(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) > 0;
}

Socket::Ready Socket::wait(bool to_read, bool to_write, Deadline deadline, const std::stop_token& stop, bool wakes) {
  auto& [io, socket, in, out, peer, woken] = *impl_;
  bool ready = false, stopped = false;
  const auto on_ready = [&ready](const boost::system::error_code& ec) {
    // Anything but our own cancel: the next read or write says what is wrong.
    if (ec != asio::error::operation_aborted) ready = true;
  };
  io.restart();
  {
    const std::stop_callback on_stop(stop, [&] { asio::post(io, [&] { stopped = true; }); });
    if (to_read) socket.async_wait(tcp::socket::wait_read, on_ready);
    if (to_write) socket.async_wait(tcp::socket::wait_write, on_ready);
    while (!ready && !stopped && !(wakes && woken) && io.run_one_until(deadline) != 0) {
    }
  }
  boost::system::error_code ignored;
  socket.cancel(ignored);
  io.restart();
  io.run();
  if (wakes) woken = false;
  return ready ? Ready::Yes : stopped ? Ready::Cancelled : Ready::TimedOut;
}

void Socket::wake() {
  asio::post(impl_->io, [this_impl = impl_.get()] { this_impl->woken = true; });
}

uint64_t Socket::bytes_in() const { return impl_->in; }
uint64_t Socket::bytes_out() const { return impl_->out; }
const std::string& Socket::peer() const { return impl_->peer; }

namespace {
Status wait_for(Socket& socket, bool to_read, const std::string& who, Deadline deadline, const std::stop_token& stop) {
  switch (socket.wait(to_read, !to_read, deadline, stop)) {
    case Socket::Ready::Yes:
      return {};
    case Socket::Ready::Cancelled:
      return fail(cancelled());
    case Socket::Ready::TimedOut:
      break;
  }
  return fail(timed_out(who));
}
}  // namespace

Status Socket::write_all(std::string_view bytes, const std::string& who, Deadline deadline,
                         const std::stop_token& stop) {
  while (!bytes.empty()) {
    const auto result = write_some(bytes);
    if (result.io == Io::Failed) return fail(lost(who, result.error));
    bytes.remove_prefix(result.bytes);
    if (result.io == Io::WouldBlock) TB_TRY(wait_for(*this, false, who, deadline, stop));
  }
  return {};
}

Status Socket::read_exactly(std::span<char> out, const std::string& who, Deadline deadline,
                            const std::stop_token& stop) {
  while (!out.empty()) {
    const auto result = read_some(out);
    if (result.io == Io::Failed) return fail(lost(who, result.error));
    if (result.io == Io::Closed)
      return fail({.code = Errc::Network, .what = say("{} closed the connection", who), .retry = true});
    out = out.subspan(result.bytes);
    if (result.io == Io::WouldBlock) TB_TRY(wait_for(*this, true, who, deadline, stop));
  }
  return {};
}

}  // namespace libsync::net

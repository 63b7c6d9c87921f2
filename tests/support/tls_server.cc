#include "tests/support/tls_server.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <list>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace twinbox::test {
namespace {

constexpr time_t kPeerTimeout = 20;  // seconds

// OpenSSL writes without MSG_NOSIGNAL; in a blocked thread the signal stays pending for ever.
void block_sigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

sockaddr_storage address_of(const std::string& ip, uint16_t port, socklen_t& size) {
  sockaddr_storage storage{};
  if (ip.find(':') != std::string::npos) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    inet_pton(AF_INET6, ip.c_str(), &v6->sin6_addr);
    size = sizeof *v6;
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    inet_pton(AF_INET, ip.c_str(), &v4->sin_addr);
    size = sizeof *v4;
  }
  return storage;
}

int listen_on(const std::string& ip, uint16_t port) {
  socklen_t size = 0;
  const auto address = address_of(ip, port, size);
  const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0 || listen(fd, 64) != 0) {
    if (fd >= 0) ::close(fd);
    throw std::runtime_error("cannot listen on " + ip);
  }
  return fd;
}

uint16_t port_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                                             : reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

SSL_CTX* server_context(const ServerTls& tls) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_security_level(context, 0);  // so that it can be as old as a test wants
  SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context, tls.max_version);
  BIO* cert_bio = BIO_new_mem_buf(tls.certificate.cert_pem.data(), static_cast<int>(tls.certificate.cert_pem.size()));
  BIO* key_bio = BIO_new_mem_buf(tls.certificate.key_pem.data(), static_cast<int>(tls.certificate.key_pem.size()));
  X509* certificate = PEM_read_bio_X509(cert_bio, nullptr, nullptr, nullptr);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
  SSL_CTX_use_certificate(context, certificate);
  SSL_CTX_use_PrivateKey(context, key);
  X509_free(certificate);
  EVP_PKEY_free(key);
  BIO_free(cert_bio);
  BIO_free(key_bio);
  return context;
}

}  // namespace

struct Peer::Impl {
  int fd = -1;
  SSL* ssl = nullptr;
  std::string buffer;  // read, not yet asked for
  std::mutex mutex;    // fd against interrupt()

  std::string fetch(size_t max) {
    std::string bytes(max, '\0');
    ERR_clear_error();
    const auto n = ssl != nullptr ? SSL_read(ssl, bytes.data(), static_cast<int>(max)) : recv(fd, bytes.data(), max, 0);
    bytes.resize(n > 0 ? static_cast<size_t>(n) : 0);
    return bytes;
  }

  void drop() {
    if (ssl != nullptr) SSL_free(ssl);
    ssl = nullptr;
    const std::scoped_lock lock(mutex);
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
};

Peer::Peer(int fd) : impl_(std::make_unique<Impl>()) {
  impl_->fd = fd;
  const timeval limit{.tv_sec = kPeerTimeout, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

Peer::~Peer() { impl_->drop(); }

bool Peer::write(std::string_view bytes) {
  while (!bytes.empty()) {
    ERR_clear_error();
    const auto n = impl_->ssl != nullptr
                       ? SSL_write(impl_->ssl, bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), 1 << 20)))
                       : ::send(impl_->fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

std::string Peer::read(size_t max) {
  if (impl_->buffer.empty()) impl_->buffer = impl_->fetch(65536);
  auto bytes = impl_->buffer.substr(0, max);
  impl_->buffer.erase(0, bytes.size());
  return bytes;
}

std::string Peer::read_line() {
  auto& buffer = impl_->buffer;
  for (;;) {
    if (const auto end = buffer.find('\n'); end != std::string::npos) return read(end + 1);
    const auto more = impl_->fetch(65536);
    if (more.empty()) return std::exchange(buffer, {});
    buffer += more;
  }
}

std::string Peer::read_exactly(size_t n) {
  std::string bytes;
  while (bytes.size() < n) {
    const auto more = read(n - bytes.size());
    if (more.empty()) break;
    bytes += more;
  }
  return bytes;
}

bool Peer::start_tls(const ServerTls& tls) {
  impl_->buffer.clear();
  SSL_CTX* context = server_context(tls);
  impl_->ssl = SSL_new(context);
  SSL_CTX_free(context);
  SSL_set_fd(impl_->ssl, impl_->fd);
  ERR_clear_error();
  return SSL_accept(impl_->ssl) == 1;
}

void Peer::wait_for_close() {
  while (!impl_->fetch(65536).empty()) {
  }
}

void Peer::close() {
  ERR_clear_error();
  if (impl_->ssl != nullptr && SSL_is_init_finished(impl_->ssl) == 1) SSL_shutdown(impl_->ssl);
  close_abruptly();
}

// Waits for the client's end, so that unread input does not turn the FIN into a reset.
void Peer::close_abruptly() {
  if (impl_->fd < 0) return;
  ::shutdown(impl_->fd, SHUT_WR);
  char bytes[4096];
  while (recv(impl_->fd, bytes, sizeof bytes, 0) > 0) {
  }
  impl_->drop();
}

void Peer::reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(impl_->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  impl_->drop();
}

bool Peer::encrypted() const { return impl_->ssl != nullptr; }

void Peer::interrupt() {
  const std::scoped_lock lock(impl_->mutex);
  if (impl_->fd >= 0) ::shutdown(impl_->fd, SHUT_RDWR);
}

struct LoopbackServer::Impl {
  Handler handler;
  int listener = -1;
  uint16_t port = 0;
  std::atomic<int> accepted{0};
  std::mutex mutex;
  bool ending = false;
  struct Connection {
    std::shared_ptr<Peer> peer;
    std::thread thread;
  };
  std::list<Connection> connections;
  std::thread acceptor;

  void accept_all() {
    block_sigpipe();
    for (;;) {
      const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      const std::scoped_lock lock(mutex);
      if (fd < 0 || ending) {
        if (fd >= 0) ::close(fd);
        return;
      }
      auto peer = std::make_shared<Peer>(fd);
      ++accepted;
      connections.push_back({peer, std::thread([this, peer] {
                               block_sigpipe();
                               handler(*peer);
                               peer->close();
                             })});
    }
  }
};

LoopbackServer::LoopbackServer(Handler handler, const std::string& ip, uint16_t port)
    : impl_(std::make_unique<Impl>()) {
  impl_->handler = std::move(handler);
  impl_->listener = listen_on(ip, port);
  impl_->port = port_of(impl_->listener);
  impl_->acceptor = std::thread([this] { impl_->accept_all(); });
}

LoopbackServer::~LoopbackServer() {
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->ending = true;
    for (auto& connection : impl_->connections) connection.peer->interrupt();
  }
  ::shutdown(impl_->listener, SHUT_RDWR);
  impl_->acceptor.join();
  for (auto& connection : impl_->connections) connection.thread.join();
  ::close(impl_->listener);
}

uint16_t LoopbackServer::port() const { return impl_->port; }
int LoopbackServer::connections() const { return impl_->accepted; }

uint16_t unused_port() {
  const int fd = listen_on("127.0.0.1", 0);
  const auto port = port_of(fd);
  ::close(fd);
  return port;
}

}  // namespace twinbox::test

// A connection whose other end is a session of this program's own server, without sockets.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "libsync/net/channel.h"
#include "libsync/server/pop3_session.h"

namespace twinbox::test {

// Answers at once; what would come later than now (a delayed refusal) comes as soon as it is waited for. TLS is taken
// as begun without a handshake, bound to `binding`.
class ServedChannel final : public libsync::net::Channel {
 public:
  explicit ServedChannel(libsync::server::Pop3Options options);

  void send(std::string_view bytes) override;
  libsync::Result<std::string_view> receive(libsync::Deadline deadline, std::stop_token stop) override;
  libsync::Status flush(libsync::Deadline, std::stop_token) override { return {}; }
  libsync::Status start_tls(size_t surplus, libsync::Deadline deadline, std::stop_token stop) override;
  libsync::Status start_deflate(std::string_view) override { return libsync::fail(libsync::Errc::Internal, "POP3"); }
  const libsync::net::TlsInfo* tls() const override { return encrypted_ ? &tls_ : nullptr; }
  libsync::net::Cost cost() const override { return cost_; }
  const std::string& host() const override { return host_; }
  const std::string& sent() const { return sent_; }

 private:
  libsync::Steady::time_point now_{};
  libsync::server::Pop3Session session_;
  bool encrypted_;
  libsync::net::TlsInfo tls_{};
  libsync::net::Cost cost_{};
  std::string host_ = "localhost", waits_, given_, sent_;
};

}  // namespace twinbox::test

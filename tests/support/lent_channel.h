// A channel lent to a session: a test can still ask it what was said when the session is gone.
#pragma once

#include <memory>
#include <utility>

#include "libsync/net/channel.h"

namespace twinbox::test {

class LentChannel final : public libsync::net::Channel {
 public:
  explicit LentChannel(std::shared_ptr<libsync::net::Channel> real) : real_(std::move(real)) {}
  void send(std::string_view bytes) override { real_->send(bytes); }
  libsync::Result<std::string_view> receive(libsync::Deadline deadline, std::stop_token stop) override {
    return real_->receive(deadline, std::move(stop));
  }
  libsync::Status flush(libsync::Deadline deadline, std::stop_token stop) override {
    return real_->flush(deadline, std::move(stop));
  }
  libsync::Status start_tls(size_t surplus, libsync::Deadline deadline, std::stop_token stop) override {
    return real_->start_tls(surplus, deadline, std::move(stop));
  }
  libsync::Status start_deflate(std::string_view surplus) override { return real_->start_deflate(surplus); }
  const libsync::net::TlsInfo* tls() const override { return real_->tls(); }
  libsync::net::Cost cost() const override { return real_->cost(); }
  const std::string& host() const override { return real_->host(); }
  bool broken() const override { return real_->broken(); }

 private:
  std::shared_ptr<libsync::net::Channel> real_;
};

}  // namespace twinbox::test

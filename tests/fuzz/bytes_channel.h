// A connection on which a server says what the input holds, whatever it is asked.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "libsync/net/channel.h"

namespace libsync::fuzz {

// Line by line, so that an answer does not come before its command was sent; or, with `piece`, in pieces of so many
// octets. Behind the last one the server is gone. STARTTLS and COMPRESS change nothing in the bytes.
class BytesChannel final : public net::Channel {
 public:
  BytesChannel(std::string_view bytes, size_t piece, bool tls) : left_(bytes), piece_(piece), tls_(tls) {}

  void send(std::string_view bytes) override { cost_.bytes_out += bytes.size(); }

  Result<std::string_view> receive(Deadline, std::stop_token) override {
    if (broken_) return fail(Errc::Network, "the connection broke");
    std::string_view next = surplus_;
    if (surplus_at_ < surplus_.size()) {
      next.remove_prefix(surplus_at_);
      surplus_at_ = surplus_.size();
    } else {
      const size_t end = left_.find('\n');
      const size_t size =
          std::min(piece_ > 0 || end == left_.npos ? std::max(piece_, size_t{1}) : end + 1, left_.size());
      next = left_.substr(0, size);
      left_.remove_prefix(size);
    }
    cost_.bytes_in += next.size();
    return next;
  }

  Status flush(Deadline, std::stop_token) override { return broken_ ? fail(Errc::Network, "broke") : Status(); }

  Status start_tls(size_t surplus, Deadline, std::stop_token) override {
    if (surplus > 0) {
      broken_ = true;
      return fail(Errc::Protocol, "bytes behind the OK to STARTTLS");
    }
    tls_ = true;
    return {};
  }

  Status start_deflate(std::string_view surplus) override {
    surplus_ = surplus;
    surplus_at_ = 0;
    return {};
  }

  const net::TlsInfo* tls() const override { return tls_ ? &info_ : nullptr; }
  net::Cost cost() const override { return cost_; }
  const std::string& host() const override { return host_; }
  bool broken() const override { return broken_; }

 private:
  std::string_view left_;
  size_t piece_;
  bool tls_;
  bool broken_ = false;
  std::string surplus_;
  size_t surplus_at_ = 0;
  std::string host_ = "mail.example.org";
  net::TlsInfo info_;
  net::Cost cost_;
};

}  // namespace libsync::fuzz

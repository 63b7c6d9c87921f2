#include "tests/support/served_channel.h"

#include <algorithm>

namespace twinbox::test {

using libsync::Deadline;
using libsync::Errc;
using libsync::fail;
using libsync::Result;
using libsync::Status;

namespace {

// What both ends of a TLS connection would know of it.
libsync::net::TlsInfo info_of(const libsync::server::Pop3Options& options) {
  libsync::net::TlsInfo info;
  for (const auto& binding : options.bindings) {
    if (binding.type == "tls-exporter") info.tls_exporter = binding.data;
  }
  return info;
}

}  // namespace

ServedChannel::ServedChannel(libsync::server::Pop3Options options)
    : session_(options, now_), encrypted_(options.encrypted), tls_(info_of(options)) {}

void ServedChannel::send(std::string_view bytes) {
  waits_ += bytes;
  sent_ += bytes;
  cost_.bytes_out += bytes.size();
}

Result<std::string_view> ServedChannel::receive(Deadline, std::stop_token) {
  while (true) {
    if (session_.wants_input() && !waits_.empty()) {
      const size_t taken = std::min<size_t>(waits_.size(), 4096);
      session_.feed(std::string_view(waits_).substr(0, taken), now_);
      waits_.erase(0, taken);
    }
    given_ = session_.take_output(now_);
    cost_.bytes_in += given_.size();
    if (!given_.empty() || session_.over()) return given_;
    if (!waits_.empty() && session_.wants_input()) continue;
    if (session_.wants_tls()) return fail(Errc::Internal, "the server waits for TLS");
    now_ = session_.deadline();
  }
}

Status ServedChannel::start_tls(size_t, Deadline, std::stop_token) {
  if (!session_.wants_tls()) return fail(Errc::Internal, "the server does not wait for TLS");
  encrypted_ = true;
  tls_.tls_exporter = "exported";
  session_.tls_started({{.type = "tls-exporter", .data = tls_.tls_exporter}}, now_);
  return {};
}

}  // namespace twinbox::test

// What the tests of net share: options that trust a test authority, a trace that keeps its lines.
#pragma once

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "libsync/net/connect.h"

#include "tests/support/certs.h"
#include "tests/support/scripted_server.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tls_server.h"

namespace twinbox::test {

using namespace std::chrono_literals;
using libsync::Errc;
using libsync::Steady;
using libsync::net::Channel;
using libsync::net::ConnectOptions;
using libsync::net::Security;
using libsync::net::Target;

inline Steady::time_point soon(std::chrono::milliseconds in = 5s) { return Steady::now() + in; }

class KeptTrace final : public libsync::Trace {
 public:
  void line(libsync::TraceKind, std::string_view text) override { lines += std::string(text) + "\n"; }
  std::string lines;
};

class NetTest : public testing::Test {
 protected:
  NetTest() {
    std::ofstream(dir_ / "ca.pem") << authority_.pem();
    options_.tls.ca_file = dir_ / "ca.pem";
    options_.overall_timeout = 5s;
    options_.trace = &trace_;
  }

  auto connect_to(uint16_t port, Security security, const std::string& host = "127.0.0.1") {
    return libsync::net::connect({.host = host, .port = port, .security = security}, options_, stop_.get_token());
  }

  // Everything up to `size` bytes, or what came before an end or error.
  std::string read_up_to(Channel& channel, size_t size) {
    std::string all;
    while (all.size() < size) {
      const auto got = channel.receive(soon(), {});
      if (!got || got->empty()) break;
      all += *got;
    }
    return all;
  }

  TempDir dir_;
  CertAuthority authority_;
  KeptTrace trace_;
  ConnectOptions options_;
  std::stop_source stop_;
};

}  // namespace twinbox::test

// What `twinbox demo` tells: one mailbox on a server inside this program, mirrored by POP3 and by IMAP.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/base/result.h"
#include "libsync/server/mail_host.h"
#include "libsync/server/memory_mail.h"
#include "libsync/server/sample_mailbox.h"
#include "libsync/server/service.h"

namespace twinbox {

// A server on free ports of the loopback, with these messages in memory.
class DemoServer {
 public:
  // A trace for each connection, by its name; empty: none.
  using MakeTrace = decltype(libsync::server::ServiceOptions::trace);
  static libsync::Result<std::unique_ptr<DemoServer>> start(const std::vector<libsync::server::SampleMessage>& messages,
                                                            const libsync::Clock& clock, MakeTrace trace = {});

  libsync::server::MemoryMail& mail() { return *mail_; }
  uint16_t port(std::string_view endpoint) const;  // "imaps", "imap", "pop3s", "pop3"
  const std::string& user() const { return user_; }
  const libsync::Secret& password() const { return password_; }
  const std::string& fingerprint() const { return fingerprint_; }  // "sha256:…"

 private:
  DemoServer() = default;
  const std::string user_ = "demo";
  libsync::Secret password_;
  std::string fingerprint_;
  std::shared_ptr<libsync::server::MemoryMail> mail_;
  std::unique_ptr<libsync::server::MailHost> host_;
  std::unique_ptr<libsync::server::Service> service_;
};

struct DemoRow {
  std::string what, pop3, imap;
};

// Mirrors into temporary folders, which are gone when it returns, changes what is on the server, and counts. The first
// error of a step ends it.
libsync::Result<std::vector<DemoRow>> tell_demo(DemoServer& server,
                                                const std::vector<libsync::server::SampleMessage>& messages,
                                                const libsync::Clock& clock, std::stop_token stop);

}  // namespace twinbox

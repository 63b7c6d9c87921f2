// Some users' mail on this machine, as sessions of every protocol serve it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/base/secret.h"
#include "libsync/sasl/server.h"
#include "libsync/server/delivery.h"
#include "libsync/server/mail.h"
#include "libsync/server/maildrop_lock.h"
#include "libsync/server/service.h"

namespace libsync::server {

struct MailHostOptions {
  std::map<std::string, std::shared_ptr<Mail>, std::less<>> users{};
  Secret password{};  // of each of them
  Secret salt{};      // sasl::ServerContext::salt_secret
  // Where submitted mail goes; null: nowhere.
  std::unique_ptr<DeliveryAgent> agent{};
  bool plain_allowed = false;
  std::vector<std::string> off{};  // of each protocol's session
  const Clock* clock = nullptr;    // null: the machine's; else it outlives this
};

// Thread-safe. Outlives its sessions.
class MailHost {
 public:
  explicit MailHost(MailHostOptions options);

  // For Endpoint::make.
  std::unique_ptr<Session> imap(const Peer& peer, Steady::time_point now);
  std::unique_ptr<Session> pop3(const Peer& peer, Steady::time_point now);
  std::unique_ptr<Session> submission(const Peer& peer, Steady::time_point now);
  // For ServiceOptions::woken_by.
  void wake_by(const std::function<void()>& wake);

 private:
  sasl::FindPassword find_password() const;
  const MailHostOptions options_;
  MaildropLock maildrops_;
};

}  // namespace libsync::server

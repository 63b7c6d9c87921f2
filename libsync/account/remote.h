// From an account's configuration to its mailbox behind the replica port.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "libsync/account/config.h"
#include "libsync/base/clock.h"
#include "libsync/base/result.h"
#include "libsync/base/secret.h"
#include "libsync/base/trace.h"
#include "libsync/net/connect.h"
#include "libsync/sync/replica.h"

namespace libsync::account {

struct RemoteOptions {
  Trace* trace = nullptr;        // not owned; outlives the replica
  const Clock* clock = nullptr;  // not owned; outlives the replica; nullptr: the machine's
  // The mechanism of the last login: nothing weaker is used unless the account names one. Empty: any.
  std::string pinned_mechanism{};
  std::function<void(std::string_view mechanism)> on_login{};  // told the mechanism that was accepted
  // What an IMAP server could do behind the login of the last session, as on_capabilities told it: a hint.
  std::string last_capabilities{};
  std::function<void(std::string_view capabilities)> on_capabilities{};
  // Nothing goes out behind the last line of a login before it is answered. `on_ahead` is told true when something did,
  // and false when all of that is answered.
  bool wait_for_login = false;
  std::function<void(bool waiting)> on_ahead{};
  // Told how long the server wants to be left alone after this login (POP3's LOGIN-DELAY).
  std::function<void(std::chrono::seconds)> on_login_delay{};
  // Told what the server wants its user to read (IMAP's ALERT), printable, each text once. Only what came over
  // a connection as safe as the account asks for.
  std::function<void(std::string_view text)> on_alert{};
  net::Resolver resolver = net::system_resolve;
};

net::Target target_of(const Account& account);
// Errc::Config for a pin or proxy that can't be read.
Result<net::ConnectOptions> connect_options(const Account& account, const RemoteOptions& options);

// Connects, logs in and gives the mailbox. `secret` is what resolve_secret() gave: the password, or the
// token where the account has a token_command. Errors are those of net::connect() and of the replicas; a
// refused login carries the provider's note as its hint ("126.com wants the authorisation code …"), or what
// to check.
// Thread-safe for different accounts.
Result<std::unique_ptr<sync::Replica>> open_remote(const Account& account, const Secret& secret,
                                                   const RemoteOptions& options, std::stop_token stop);

}  // namespace libsync::account

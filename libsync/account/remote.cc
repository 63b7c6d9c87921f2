#include "libsync/account/remote.h"

#include "libsync/account/folder_map.h"
#include "libsync/account/providers.h"
#include "libsync/base/words.h"
#include "libsync/net/proxy.h"
#include "libsync/net/tls_options.h"
#include "libsync/replicas/imap.h"
#include "libsync/replicas/pop3.h"

namespace libsync::account {
namespace {

sasl::Credentials credentials_of(const Account& account, const Secret& secret) {
  sasl::Credentials credentials{.user = account.remote.user};
  if (account.token_command.empty()) {
    credentials.password = secret;
  } else {
    credentials.token = secret;
  }
  return credentials;
}

template <class Kind>
Kind security_of(const Account& account, Kind tls, Kind start_tls, Kind plain) {
  switch (account.remote.security) {
    case Security::Tls:
      return tls;
    case Security::StartTls:
      return start_tls;
    case Security::Plain:
      return plain;
  }
  return tls;
}

// A port of one's own is another server (a tunnel, a container beside another); the protocol's own ports,
// of TLS and of STARTTLS, lead to the same one and stay out of the identity.
uint16_t port_of_its_own(const Remote& remote) {
  const bool usual = remote.port == default_port(remote.protocol, Security::Tls) ||
                     remote.port == default_port(remote.protocol, Security::StartTls);
  return usual ? 0 : remote.port;
}

Result<std::unique_ptr<sync::Replica>> open_pop3(std::unique_ptr<net::Channel> channel, const Account& account,
                                                 const Secret& secret, const RemoteOptions& options,
                                                 std::stop_token stop) {
  replicas::Pop3Options pop3;
  pop3.credentials = credentials_of(account, secret);
  pop3.security =
      security_of(account, replicas::Pop3Security::Tls, replicas::Pop3Security::Stls, replicas::Pop3Security::Plain);
  pop3.port = port_of_its_own(account.remote);
  pop3.mechanism = account.auth;
  pop3.forbidden_mechanisms = account.forbid_auth;
  pop3.pinned_mechanism = options.pinned_mechanism;
  pop3.on_login = options.on_login;
  pop3.on_login_delay = options.on_login_delay;
  pop3.wait_for_login = options.wait_for_login;
  pop3.on_ahead = options.on_ahead;
  if (const auto timeout = account.timeout) {
    pop3.timeouts = {.greeting = *timeout, .reply = *timeout, .idle = *timeout};
    pop3.login_timeout = 2 * *timeout;  // several answers, the last of them a slow one
  }
  pop3.trace = options.trace;
  pop3.clock = options.clock;
  return replicas::open_pop3(std::move(channel), std::move(pop3), std::move(stop));
}

Result<std::unique_ptr<sync::Replica>> open_imap(std::unique_ptr<net::Channel> channel, const Account& account,
                                                 const Secret& secret, const RemoteOptions& options,
                                                 std::stop_token stop) {
  replicas::ImapOptions imap;
  imap.writable = FolderMap(account).changes_server();
  imap.credentials = credentials_of(account, secret);
  imap.security = security_of(account, replicas::ImapSecurity::Tls, replicas::ImapSecurity::StartTls,
                              replicas::ImapSecurity::Plain);
  imap.port = port_of_its_own(account.remote);
  imap.mechanism = account.auth;
  imap.forbidden_mechanisms = account.forbid_auth;
  imap.pinned_mechanism = options.pinned_mechanism;
  imap.on_login = options.on_login;
  imap.last_capabilities = options.last_capabilities;
  imap.on_capabilities = options.on_capabilities;
  imap.wait_for_login = options.wait_for_login;
  imap.on_ahead = options.on_ahead;
  imap.on_alert = options.on_alert;
  imap.compress = account.compress.value_or(true);
  imap.compress_loopback = account.compress.value_or(false);
  imap.all_mail = account.all_mail;
  imap.namespaces = account.shared;
  if (const auto timeout = account.timeout) {
    imap.login_timeout = *timeout;
    imap.timeout = *timeout;
    imap.answer_timeout = *timeout * 10;
  }
  imap.trace = options.trace;
  return replicas::open_imap(std::move(channel), std::move(imap), std::move(stop));
}

// A refused login often means a switch or a kind of password that the provider alone has.
Error with_provider_note(Error error, const Account& account) {
  if (error.code != Errc::Auth || !error.hint.empty()) return error;
  const Provider* provider = find_provider_of(account.remote);
  if (provider != nullptr && !provider->note.empty()) {
    error.hint = word(provider->note);
  } else if (!account.token_command.empty()) {
    error.hint = say("check the user name and what token_command prints");
  } else {
    error.hint =
        say("check the user name and the password; some providers want an app password, or a switch in "
            "their web settings (docs/protocols.md)");
  }
  return error;
}

// Both wait for the other to speak where one of them wants TLS from the first byte.
Error with_port_note(Error error, const Account& account) {
  const bool silent = error.code == Errc::Network && error.retry && error.server.empty() && error.hint.empty();
  if (silent && account.remote.security != Security::Tls) {
    error.hint = account.remote.protocol == Protocol::Pop3
                     ? say("a port of TLS looks like this too: see whether it is right, or write pop3s://")
                     : say("a port of TLS looks like this too: see whether it is right, or write imaps://");
  }
  return error;
}

}  // namespace

net::Target target_of(const Account& account) {
  return {.host = account.remote.host,
          .port = account.remote.port,
          .security = security_of(account, net::Security::ImplicitTls, net::Security::StartTls, net::Security::Plain)};
}

Result<net::ConnectOptions> connect_options(const Account& account, const RemoteOptions& options) {
  net::ConnectOptions connect;
  if (const auto timeout = account.timeout) {
    connect.overall_timeout = *timeout;
    connect.connect_timeout = std::min<std::chrono::milliseconds>(connect.connect_timeout, *timeout);
  }
  connect.tls.ca_file = account.tls_ca;
  if (!account.tls_pin.empty()) {
    TB_ASSIGN(const auto pin, net::parse_pin(account.tls_pin));
    connect.tls.pins.push_back(pin);
  }
  if (!account.proxy.empty()) {
    TB_ASSIGN(connect.proxy, net::parse_proxy(account.proxy));
  }
  connect.trace = options.trace;
  connect.resolver = options.resolver;
  return connect;
}

Result<std::unique_ptr<sync::Replica>> open_remote(const Account& account, const Secret& secret,
                                                   const RemoteOptions& options, std::stop_token stop) {
  TB_ASSIGN(const auto connect, connect_options(account, options));
  TB_ASSIGN(auto channel, net::connect(target_of(account), connect, stop));
  auto replica = account.remote.protocol == Protocol::Pop3
                     ? open_pop3(std::move(channel), account, secret, options, stop)
                     : open_imap(std::move(channel), account, secret, options, stop);
  if (!replica) return fail(with_port_note(with_provider_note(std::move(replica).error(), account), account));
  return replica;
}

}  // namespace libsync::account

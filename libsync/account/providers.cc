#include "libsync/account/providers.h"

#include <algorithm>

#include "libsync/base/text.h"

namespace libsync::account {

const Provider* find_provider(std::string_view address) {
  const size_t at = address.rfind('@');
  const std::string domain = to_lower(at == address.npos ? address : address.substr(at + 1));
  if (domain.empty() || domain.contains(' ')) return nullptr;
  const auto has = [&](const Provider& provider) {
    std::string_view rest = provider.domains;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(' '), rest.size());
      if (rest.substr(0, end) == domain) return true;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
  };
  const auto found = std::ranges::find_if(providers(), has);
  return found == providers().end() ? nullptr : &*found;
}

const Provider* find_provider_of(const Remote& remote) {
  const auto found = std::ranges::find_if(providers(), [&](const Provider& each) {
    const ProviderServer& server = remote.protocol == Protocol::Imap ? each.imap : each.pop3;
    if (server.host.empty() || !iequals(server.host, remote.host)) return false;
    // A provider's other usual port is its server too; a port of its own (a bridge on this machine) is not.
    if (server.port != 0) return remote.port == server.port;
    return remote.port == default_port(remote.protocol, Security::Tls) ||
           remote.port == default_port(remote.protocol, Security::StartTls);
  });
  return found == providers().end() ? nullptr : &*found;
}

std::optional<Remote> remote_for(const Provider& provider, std::string_view address, Protocol protocol) {
  const ProviderServer& server = protocol == Protocol::Imap ? provider.imap : provider.pop3;
  if (server.host.empty()) return std::nullopt;
  const size_t at = std::min(address.rfind('@'), address.size());
  return Remote{.protocol = protocol,
                .security = server.security,
                .user = std::string(provider.user == UserForm::LocalPart ? address.substr(0, at) : address),
                .host = std::string(server.host),
                .port = server.port != 0 ? server.port : default_port(protocol, server.security)};
}

}  // namespace libsync::account

// What is publicly known of mail providers: servers, ports, form of the user name, and what a user
// must do before a program may fetch mail. Facts with source and date; the table is providers_table.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libsync/account/remote_url.h"

namespace libsync::account {

struct ProviderServer {
  std::string_view host{};  // empty: the provider has none
  Security security = Security::Tls;
  uint16_t port = 0;  // 0: the protocol's own
};

enum class UserForm : uint8_t { Address, LocalPart };

struct Provider {
  std::string_view name;     // for people
  std::string_view domains;  // lower case, one space between them
  ProviderServer imap{}, pop3{};
  UserForm user = UserForm::Address;
  std::string_view note{};    // English key of word(): what to do first; empty: nothing known
  std::string_view source{};  // where the facts are from and when they were looked at
};

std::span<const Provider> providers();

// By the domain behind the last '@', without regard to case; nullptr: not known.
const Provider* find_provider(std::string_view address);

// By host and port of its server for that protocol, whatever the user; nullptr: not known.
const Provider* find_provider_of(const Remote& remote);

// The remote for an address at a known provider; nothing if the provider lacks the protocol.
std::optional<Remote> remote_for(const Provider& provider, std::string_view address, Protocol protocol);

}  // namespace libsync::account

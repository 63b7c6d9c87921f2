// Names to addresses.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "libsync/base/clock.h"
#include "libsync/base/result.h"

namespace libsync::net {

enum class Family { Any, V4, V6 };  // V4, V6: only that one

// An IP address in text, with its zone if it has one ("fe80::1%eth0").
struct Address {
  std::string ip;
  bool v6 = false;
  bool operator==(const Address&) const = default;
};

// Gives all addresses of a host, best first, at least one. Errc::Network for an unknown host or a
// deadline, Errc::Cancelled. Thread-safe.
using Resolver =
    std::function<Result<std::vector<Address>>(const std::string& host, Family, Deadline, std::stop_token)>;

// The system's way: /etc/hosts, DNS and whatever else nsswitch.conf names. An address in text is
// returned as it is. The lookup itself cannot be interrupted, so it runs on a thread of its own that is
// left behind at the deadline; at most kMaxLookups of them exist (Errc::Network beyond).
Result<std::vector<Address>> system_resolve(const std::string& host, Family family, Deadline deadline,
                                            std::stop_token stop);

// The same around any blocking lookup.
using BlockingLookup = std::function<Result<std::vector<Address>>(const std::string& host, Family)>;
Result<std::vector<Address>> resolve_with(BlockingLookup lookup, const std::string& host, Family family,
                                          Deadline deadline, std::stop_token stop);

// Enough for every account of a large configuration at once; a bound because each left behind lives
// until the system's own timeout.
inline constexpr int kMaxLookups = 64;

// True for an IPv4 or IPv6 address in text, with or without a zone.
bool is_ip_address(const std::string& text);

// The order of RFC 8305, section 4: families alternate, the first address's family first.
std::vector<Address> interleave(std::vector<Address> addresses);

}  // namespace libsync::net

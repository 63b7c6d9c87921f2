#include "libsync/net/resolve.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "libsync/base/words.h"

namespace libsync::net {
namespace {

using Addresses = std::vector<Address>;

// A bound for the whole process, like the threads it bounds; shared so that a lookup left behind
// can give its place back after main() has ended.
std::shared_ptr<std::atomic<int>> lookups_running() {
  static const auto count = std::make_shared<std::atomic<int>>(0);
  return count;
}

// What the caller and the lookup's thread share: whoever is last frees it.
struct Lookup {
  std::mutex mutex;
  std::condition_variable_any done;
  std::optional<Result<Addresses>> result;
};

Error lookup_error(int code, const std::string& host) {
  if (code == EAI_NONAME || code == EAI_NODATA || code == EAI_ADDRFAMILY)
    return {.code = Errc::Network,
            .what = say("unknown host {}", host),
            .hint = say("check the server's name, and that this machine is online")};
  const std::string_view why = code == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(code);
  return {.code = Errc::Network, .what = say("cannot look up {}: {}", host, why), .retry = true};
}

int family_of(Family family) {
  switch (family) {
    case Family::V4:
      return AF_INET;
    case Family::V6:
      return AF_INET6;
    case Family::Any:
      break;
  }
  return AF_UNSPEC;
}

Result<Addresses> getaddrinfo_lookup(const std::string& host, Family family) {
  addrinfo hints{};
  hints.ai_family = family_of(family);
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int code = getaddrinfo(host.c_str(), nullptr, &hints, &list); code != 0)
    return fail(lookup_error(code, host));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, freeaddrinfo);
  Addresses found;
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    if (one->ai_family != AF_INET && one->ai_family != AF_INET6) continue;
    char text[NI_MAXHOST];
    if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) continue;
    const Address address{.ip = text, .v6 = one->ai_family == AF_INET6};
    if (std::ranges::find(found, address) == found.end()) found.push_back(address);
  }
  if (found.empty()) return fail(lookup_error(EAI_NONAME, host));
  return found;
}

// The system's lists are a handful long; a hostile zone's need not be.
constexpr size_t kMaxAddresses = 32;

void run_lookup(const BlockingLookup& lookup, const std::string& host, Family family, Lookup& shared) {
  auto result = lookup(host, family);
  if (result && result->size() > kMaxAddresses) result->resize(kMaxAddresses);
  const std::scoped_lock lock(shared.mutex);
  shared.result = std::move(result);
  shared.done.notify_all();
}

Error no_thread(const std::string& host) {
  return {.code = Errc::Network, .what = say("cannot look up {}: too many lookups hang already", host), .retry = true};
}

}  // namespace

bool is_ip_address(const std::string& text) {
  const auto zone = text.find('%');
  const auto plain = text.substr(0, zone);
  in6_addr out{};
  return (zone == std::string::npos && inet_pton(AF_INET, plain.c_str(), &out) == 1) ||
         inet_pton(AF_INET6, plain.c_str(), &out) == 1;
}

Result<Addresses> resolve_with(BlockingLookup lookup, const std::string& host, Family family, Deadline deadline,
                               std::stop_token stop) {
  const auto running = lookups_running();
  if (running->fetch_add(1) >= kMaxLookups) {
    running->fetch_sub(1);
    return fail(no_thread(host));
  }
  auto shared = std::make_shared<Lookup>();
  try {
    std::thread([shared, running, lookup = std::move(lookup), host, family] {
      run_lookup(lookup, host, family, *shared);
      running->fetch_sub(1);
    }).detach();
  } catch (const std::system_error&) {
    running->fetch_sub(1);
    return fail(no_thread(host));
  }
  std::unique_lock lock(shared->mutex);
  shared->done.wait_until(lock, stop, deadline, [&] { return shared->result.has_value(); });
  if (shared->result) return std::move(*shared->result);
  if (stop.stop_requested()) return fail(Errc::Cancelled, say("stopped"));
  return fail({.code = Errc::Network, .what = say("looking up {} took too long", host), .retry = true});
}

Result<Addresses> system_resolve(const std::string& host, Family family, Deadline deadline, std::stop_token stop) {
  if (is_ip_address(host)) return Addresses{{.ip = host, .v6 = host.find(':') != std::string::npos}};
  return resolve_with(getaddrinfo_lookup, host, family, deadline, std::move(stop));
}

Addresses interleave(Addresses addresses) {
  if (addresses.empty()) return addresses;
  const bool first = addresses.front().v6;
  Addresses one, other, mixed;
  for (auto& address : addresses) (address.v6 == first ? one : other).push_back(std::move(address));
  for (size_t i = 0; i < std::max(one.size(), other.size()); ++i) {
    if (i < one.size()) mixed.push_back(std::move(one[i]));
    if (i < other.size()) mixed.push_back(std::move(other[i]));
  }
  return mixed;
}

}  // namespace libsync::net

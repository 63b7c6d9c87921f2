// Which mechanisms there are, and which of those that a server offers to use.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/result.h"
#include "libsync/sasl/mechanism.h"

namespace libsync::sasl {

enum class Proof {
  Password,
  Token,
};

// Two rows are no SASL mechanisms but logins of the protocols themselves (`make` is null): the session
// adds their names to what the server offers, and carries them out by itself.
inline constexpr std::string_view kUser = "USER";  // POP3's USER and PASS; IMAP's LOGIN command
inline constexpr std::string_view kApop = "APOP";  // RFC 1939, section 7

struct MechanismInfo {
  std::string_view name;
  Proof proof;
  // What a server that is not the right one, or a listener, learns: 1 the secret itself, 2 enough to
  // guess it quickly, 3 enough to guess it slowly, 4 the same by a better hash; 5 and 6 the same bound
  // to the TLS connection.
  int strength;
  bool needs_tls;   // sends the secret as it is
  bool by_default;  // false: only when asked for by name
  std::unique_ptr<Mechanism> (*make)(Context);
};

// Best first.
std::span<const MechanismInfo> mechanisms();
// Without regard to ASCII case; nullptr: unknown.
const MechanismInfo* find_mechanism(std::string_view name);

// What the choice depends on.
struct Situation {
  std::vector<std::string> offered{};  // by the server; unknown names are passed over
  bool has_password = false, has_token = false;
  bool encrypted = false;
  bool plain_allowed = false;  // the user allowed plain text by name, or the server is on loopback
  bool can_bind = false;       // channel binding data are at hand
  std::string forced{};        // only this one; allows what is off by default, but never plain text
  std::vector<std::string> forbidden{};
  // The mechanism of the last login: nothing weaker is used without the user's word (which is `forced`,
  // or an empty `pinned`). Compared only with mechanisms of the same proof.
  std::string pinned{};
};

// The best that may be used. Errors: Errc::Tls (the secret would go in plain text), Errc::Auth (the
// server offers nothing usable, or only weaker ones than `pinned`), Errc::Config (`forced` or `pinned`
// is unknown, or no credentials for it).
Result<const MechanismInfo*> choose(const Situation& situation);

// True when `offered` names `mechanism`'s -PLUS twin.
bool offers_plus(std::span<const std::string> offered, std::string_view mechanism);

}  // namespace libsync::sasl

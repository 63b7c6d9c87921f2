#include <algorithm>
#include <array>

#include "libsync/base/text.h"
#include "libsync/sasl/crypto.h"
#include "libsync/sasl/server.h"
#include "libsync/sasl/server_makers.h"

namespace libsync::sasl {
namespace {

constexpr std::array kMechanisms = {
    // name, needs TLS, needs binding, by default, make
    ServerMechanismInfo{"SCRAM-SHA-256-PLUS", false, true, true, serve_scram_sha_256_plus},
    ServerMechanismInfo{"SCRAM-SHA-1-PLUS", false, true, true, serve_scram_sha_1_plus},
    ServerMechanismInfo{"SCRAM-SHA-256", false, false, true, serve_scram_sha_256},
    ServerMechanismInfo{"SCRAM-SHA-1", false, false, true, serve_scram_sha_1},
    ServerMechanismInfo{"CRAM-MD5", false, false, false, serve_cram_md5},
    ServerMechanismInfo{"PLAIN", true, false, true, serve_plain},
    ServerMechanismInfo{"LOGIN", true, false, true, serve_login},
};

}  // namespace

std::span<const ServerMechanismInfo> server_mechanisms() { return kMechanisms; }

const ServerMechanismInfo* find_server_mechanism(std::string_view name) {
  const auto found = std::ranges::find_if(kMechanisms, [&](const auto& row) { return iequals(row.name, name); });
  return found == kMechanisms.end() ? nullptr : &*found;
}

bool is_password_of(const FindPassword& find, std::string_view user, const Secret& password) {
  const std::optional<Secret> known = find(user);
  // Digests have one length, and compare in the same time whatever is in them.
  const std::string given = digest(Hash::Sha256, password.reveal());
  const std::string wanted = digest(Hash::Sha256, known ? known->reveal() : "");
  return equal(given, wanted) && known.has_value();
}

}  // namespace libsync::sasl

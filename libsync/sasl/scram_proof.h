// What both sides of SCRAM compute (RFC 5802, section 3). Internal to sasl.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libsync/base/secret.h"
#include "libsync/sasl/crypto.h"

namespace libsync::sasl {

struct ScramProof {
  std::string client;  // ClientProof
  std::string server;  // ServerSignature
};

// `password`: prepared by saslprep(); `text`: AuthMessage.
inline ScramProof scram_proof(Hash hash, const Secret& password, std::string_view salt, uint32_t iterations,
                              std::string_view text) {
  const Secret salted(pbkdf2(hash, password.reveal(), salt, iterations));
  const Secret client_key(hmac(hash, salted.reveal(), "Client Key"));
  const Secret server_key(hmac(hash, salted.reveal(), "Server Key"));
  ScramProof proof{.client = hmac(hash, digest(hash, client_key.reveal()), text),
                   .server = hmac(hash, server_key.reveal(), text)};
  for (size_t i = 0; i < proof.client.size(); ++i) {
    proof.client[i] = static_cast<char>(proof.client[i] ^ client_key.reveal()[i]);
  }
  return proof;
}

}  // namespace libsync::sasl

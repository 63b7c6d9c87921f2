// The constructors that server_registry.cc's table names. Internal to sasl.
#pragma once

#include <memory>

#include "libsync/sasl/server.h"

namespace libsync::sasl {

std::unique_ptr<ServerMechanism> serve_plain(ServerContext context);               // RFC 4616
std::unique_ptr<ServerMechanism> serve_login(ServerContext context);               // draft-murchison-sasl-login
std::unique_ptr<ServerMechanism> serve_cram_md5(ServerContext context);            // RFC 2195
std::unique_ptr<ServerMechanism> serve_scram_sha_1(ServerContext context);         // RFC 5802
std::unique_ptr<ServerMechanism> serve_scram_sha_1_plus(ServerContext context);    // RFC 5802
std::unique_ptr<ServerMechanism> serve_scram_sha_256(ServerContext context);       // RFC 7677
std::unique_ptr<ServerMechanism> serve_scram_sha_256_plus(ServerContext context);  // RFC 7677

}  // namespace libsync::sasl

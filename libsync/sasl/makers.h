// The constructors that the registry's table names. Internal to sasl.
#pragma once

#include <memory>

#include "libsync/sasl/mechanism.h"

namespace libsync::sasl {

std::unique_ptr<Mechanism> make_plain(Context context);               // RFC 4616
std::unique_ptr<Mechanism> make_login(Context context);               // draft-murchison-sasl-login
std::unique_ptr<Mechanism> make_cram_md5(Context context);            // RFC 2195
std::unique_ptr<Mechanism> make_scram_sha_1(Context context);         // RFC 5802
std::unique_ptr<Mechanism> make_scram_sha_1_plus(Context context);    // RFC 5802
std::unique_ptr<Mechanism> make_scram_sha_256(Context context);       // RFC 7677
std::unique_ptr<Mechanism> make_scram_sha_256_plus(Context context);  // RFC 7677
std::unique_ptr<Mechanism> make_xoauth2(Context context);             // Google's and Microsoft's own
std::unique_ptr<Mechanism> make_oauthbearer(Context context);         // RFC 7628

}  // namespace libsync::sasl

// Message-ID, In-Reply-To and References (RFC 5322 sections 3.6.4 and 4.5.4).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libsync/mime/defect.h"
#include "libsync/mime/limits.h"

namespace libsync::mime {

// The ids without their angle brackets and without any white space inside, in order. What stands between
// them ("Your message of …") is passed over. Where no bracket occurs, words with an '@' are taken.
std::vector<std::string> parse_ids(std::string_view value, const Limits& limits = {}, Defects* defects = nullptr);

}  // namespace libsync::mime

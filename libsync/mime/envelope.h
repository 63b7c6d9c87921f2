// What a list of messages shows, from the header alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/mime/address.h"
#include "libsync/mime/date.h"
#include "libsync/mime/header.h"

namespace libsync::mime {

// Decoded, in UTF-8. Fields that may occur once: the first counts; address fields that occur again are
// joined. sender and reply_to are as sent (IMAP's ENVELOPE falls back to from; this does not).
struct Envelope {
  std::optional<Date> date{};
  std::string subject{};
  std::vector<Address> from{}, sender{}, reply_to{}, to{}, cc{}, bcc{};
  std::string message_id{};  // without angle brackets; "" if there is none
  std::vector<std::string> in_reply_to{}, references{};
  std::string list_id{};  // of RFC 2919, without angle brackets
};

// `bytes` begin with the header; what follows it is not read. Cheap enough for each message stored.
Envelope parse_envelope(std::string_view bytes, Converters& converters, const Limits& limits = {},
                        Defects* defects = nullptr);

}  // namespace libsync::mime

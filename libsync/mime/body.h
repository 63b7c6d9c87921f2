// The content of parts, decoded: octets for saving, UTF-8 text for searching and previews
// (transfer encodings: RFC 2045, section 6; alternatives: RFC 2046, section 5.1.4). The message's bytes must outlive
// the call. Any thread, but each its own Converters. No errors: what breaks the rules is read as far as it goes and
// is a defect.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/mime/charset.h"
#include "libsync/mime/message.h"

namespace libsync::mime {

// Gives the part's body, transfer encoding decoded, in pieces of at most 64 kB or so; constant memory.
// The view is valid during the call; false from the sink ends it. Defects carry offsets into the body.
void decode_body(const Message& message, const Part& part, const std::function<bool(std::string_view)>& sink,
                 Defects* defects = nullptr);

// At most max_bytes of it, as one string.
std::string decode_body(const Message& message, const Part& part, uint64_t max_bytes = UINT64_MAX,
                        Defects* defects = nullptr);

inline constexpr uint64_t kMaxText = 1 << 20;        // what an index or a preview takes of one message
inline constexpr uint64_t kMaxTextSource = 8 << 20;  // of one part's decoded octets: HTML is mostly tags
inline constexpr size_t kMaxEncodedMessages = 8;     // messages in base64 in messages in base64

struct TextOptions {
  uint64_t max_bytes = kMaxText;
  uint64_t max_source = kMaxTextSource;
  bool attachments = false;        // also text parts that are attachments
  bool nested = true;              // also messages inside, with their subjects
  bool both_alternatives = false;  // else multipart/alternative gives its plain text, or its HTML if that is empty
};

// The part's text as UTF-8, line ends LF; HTML stripped. A multipart in which no part was found is read as
// plain text. "" for parts that are no text.
std::string part_text(const Message& message, const Part& part, Converters& converters, const TextOptions& options = {},
                      Defects* defects = nullptr);

// All of the message's text, parts separated by an empty line, at most max_bytes and cut between characters.
// `used`, where given, gets the parts (indexes) whose text it is, those without a word included.
std::string text_of(const Message& message, Converters& converters, const TextOptions& options = {},
                    std::vector<uint32_t>* used = nullptr);

}  // namespace libsync::mime

// What the store takes from a message: columns for lists, text for the index. The one place in the
// store that knows of mime.
#pragma once

#include <string>
#include <string_view>

#include "libsync/mime/charset.h"
#include "libsync/store/types.h"

namespace libsync::store {

// Longest text kept of one header field: lists show a line, the index needs no more.
inline constexpr size_t kMaxColumnBytes = 4096;

struct SearchText {
  std::string body{};
  bool attachments = false;
};

// One thread at a time; keeps converters open between messages.
class MailReader {
 public:
  EnvelopeColumns columns(std::string_view header);
  SearchText search_text(std::string_view message);

 private:
  mime::Converters converters_;
};

// The header's octets at the start of `bytes`, with its empty line.
std::string_view header_of(std::string_view bytes);

}  // namespace libsync::store

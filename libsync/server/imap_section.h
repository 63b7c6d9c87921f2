// What stands between the brackets of BODY[…] and BINARY[…] (RFC 9051, sections 6.4.5 and 6.4.5.1; RFC 3516), and the
// octets that it means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/imap/parser.h"
#include "libsync/mime/limits.h"
#include "libsync/mime/message.h"

namespace libsync::server {

inline constexpr size_t kMaxSectionNumbers = 2 * mime::kMaxDepth;  // as mime::section() takes them
inline constexpr size_t kMaxSectionFields = 100;                   // clients ask for a dozen
inline constexpr size_t kMaxSectionField = 998;                    // a line's length (RFC 5322, section 2.1.1)

enum class SectionText : uint8_t { Whole, Header, Fields, FieldsNot, Text, Mime };

struct Section {
  std::vector<uint32_t> part{};  // "1.2"; none: the message
  SectionText text = SectionText::Whole;
  std::vector<std::string> fields{};  // of Fields and FieldsNot, as the client wrote them
  bool operator==(const Section&) const = default;
};

// From behind '[' to behind ']'. False, with a reason in `in`, for what is not the grammar or beyond the limits.
bool parse_section(imap::Parser& in, Section& out);
bool parse_binary_section(imap::Parser& in, Section& out);  // numbers alone

struct Partial {
  uint64_t origin = 0, length = 0;
  bool operator==(const Partial&) const = default;
};
// "<0.100>" behind a section, if there is one.
bool parse_partial(imap::Parser& in, std::optional<Partial>& out);

// The same as an answer names it: "1.2.HEADER.FIELDS (Subject)".
void append_section(const Section& section, std::string& out);

// What it takes to find the octets.
enum class Needs : uint8_t {
  Size,     // of the message: BODY[]
  Header,   // its octets, and the size: BODY[HEADER…], BODY[TEXT]
  Message,  // all of it, parsed
};
Needs needs(const Section& section);

// How long the header is at the front of `octets`, as mime::parse() has it; nothing if that is not to be told before
// more octets are known. `whole`: these are all.
std::optional<uint64_t> header_length(std::string_view octets, bool whole);

struct Content {
  enum class Kind : uint8_t {
    Missing,          // the message has no such section: NIL
    Stored,           // a stretch of the message's octets
    Made,             // `text`
    UnknownEncoding,  // BINARY of an encoding that nobody knows: NO [UNKNOWN-CTE]
  } kind = Kind::Missing;
  mime::Span stored{};
  std::string text{};

  uint64_t size() const { return kind == Kind::Stored ? stored.length : text.size(); }
};

// For what does not need the message. `header`: its octets, header_length() long; "" for Needs::Size.
Content content_of(const Section& section, std::string_view header, uint64_t size);
Content content_of(const Section& section, const mime::Message& message);
// Decoded, of a part that is a leaf; what is a multipart or a message as it stands (RFC 9051, section 6.4.5, has
// BINARY for leaves alone).
Content binary_of(const Section& section, const mime::Message& message, const std::optional<Partial>& partial = {});
// Kind::Made with an empty text, and how long it is: BINARY.SIZE.
Content::Kind binary_size(const Section& section, const mime::Message& message, uint64_t& size);

// Leaves of it what is asked for; nothing of it behind its end.
void cut(Content& content, const Partial& partial);

}  // namespace libsync::server

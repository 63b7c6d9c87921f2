// The tree of a message's parts (RFC 2045, 2046, 5322): offsets into the original bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/mime/defect.h"
#include "libsync/mime/header.h"
#include "libsync/mime/limits.h"
#include "libsync/mime/parameter.h"
#include "libsync/mime/transfer.h"

namespace libsync::mime {

enum class PartKind : uint8_t {
  Leaf,
  Multipart,  // children: its parts, none if no delimiter was found
  Message,    // message/rfc822 or message/global: one child, the message inside
};

inline constexpr uint32_t kNoPart = UINT32_MAX;

struct Part {
  PartKind kind = PartKind::Leaf;
  Encoding encoding = Encoding::SevenBit;
  uint32_t parent = kNoPart;
  uint32_t depth = 0;
  std::vector<uint32_t> children{};  // indexes into Message::parts
  // Lower case; the default (text/plain, in a digest message/rfc822) where the field is missing or wrong.
  // A container that could not be opened (no boundary, encoded, too deep) keeps its type but is a Leaf.
  std::string type{}, subtype{};
  Span header{};            // with the empty line that ends it: IMAP's HEADER or MIME
  Span body{};              // without the line end that belongs to the delimiter: IMAP's TEXT or part number
  uint64_t body_lines = 0;  // line ends in the body, as IMAP servers count BODYSTRUCTURE's lines
  Span content_type{};      // the field's raw value; empty if there is none
};

// Owns offsets only: `bytes` must outlive it. parts[0] is the whole message; parents come before their
// children. Values; safe to read from several threads.
struct Message {
  std::string_view bytes;
  char line_end = '\n';
  std::vector<Part> parts;
  Defects defects;

  const Part& root() const { return parts.front(); }
  std::string_view view(Span span) const { return bytes.substr(span.offset, span.length); }
};

// Never fails; linear in bytes; memory by the number of parts alone, so that a mapped file of a GiB is
// no trouble.
Message parse(std::string_view bytes, const Limits& limits = {});

// The part's number as IMAP's section specs have it (RFC 9051, section 6.4.5): "1.2"; "1" for the root
// of a message without multiparts, "" for a multipart root. The root of a nested message that is a multipart has
// its container's number.
std::string section_number(const Message& message, uint32_t part);

// The octets of a section: "" (all), "HEADER", "TEXT", "1", "1.2.MIME", "2.HEADER", "2.TEXT", without regard
// to case. Nothing if the message has no such section.
std::optional<Span> section(const Message& message, std::string_view spec);

// The part that a number ("1.2") names, as section() reads it: for "2" of a nested message, its container.
std::optional<uint32_t> part_of(const Message& message, std::string_view number);

struct Disposition {
  std::string type;  // lower case: "inline", "attachment", …
  std::vector<RawParameter> raw;
  std::vector<Parameter> parameters;
};

// What the part's header says of its content, decoded.
struct PartInfo {
  std::vector<RawParameter> raw_parameters;  // of Content-Type
  std::vector<Parameter> parameters;
  std::string charset;   // of Content-Type, as sent; "" if there is none
  std::string encoding;  // as sent, lower case; "7bit" if there is none
  std::optional<Disposition> disposition;
  std::string id;           // Content-ID with its brackets, as BODYSTRUCTURE has it
  std::string description;  // decoded
  std::string location;     // Content-Location, unfolded
  std::string md5;          // Content-MD5
  std::vector<std::string> languages;
  std::string filename;  // disposition's filename, else Content-Type's name; UTF-8, not safe for a path:
                         // see safe_filename()
};
PartInfo part_info(const Message& message, const Part& part, Converters& converters, const Limits& limits = {},
                   Defects* defects = nullptr);

// True for what a person would call an attachment: disposition attachment, or a leaf with a file name that is
// no text, or no text at all.
bool is_attachment(const Part& part, const PartInfo& info);

}  // namespace libsync::mime

// What is wrong with a message. Reading never fails: damage is listed here, and the best reading given.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "libsync/mime/limits.h"

namespace libsync::mime {

enum class Fault : uint8_t {
  // the header
  JunkInHeader,    // a line that is no field, skipped
  NoHeaderEnd,     // the body begins without an empty line
  DuplicateField,  // a field that may occur once occurs again; the first counts
  TooManyFields,   // Limits::header_fields or header_bytes
  ValueTooLong,    // Limits::value_bytes
  RawEightBit,     // bytes over 127 in a header that are not UTF-8
  // the tree
  BadContentType,       // not type/subtype: the default is taken (RFC 2045, section 5.2)
  UnknownEncoding,      // Content-Transfer-Encoding not known: bytes as they are
  EncodedContainer,     // multipart or message with an encoding that RFC 2045, section 6.4 forbids
  NoBoundaryParameter,  // a multipart without a boundary is read as one leaf
  NoDelimiter,          // a multipart whose boundary never occurs
  NoCloseDelimiter,     // a multipart that is not closed
  TooDeep,              // Limits::depth: read as a leaf
  TooManyParts,         // Limits::parts: not listed
  // structured fields
  BadParameter,        // no name, no value, no ';' between two, a quote that is not closed
  DuplicateParameter,  // the first counts
  MissingSection,      // an RFC 2231 continuation with a gap
  TooManyParameters,   // Limits::parameters or sections
  BadAddress,          // text that is no address, a missing '>', quote or ';'
  TooManyAddresses,    // Limits::addresses
  UnclosedComment,     // a '(' without its ')'
  CommentTooDeep,      // Limits::comment_depth
  BadDate,
  BadMessageId,
  TooManyIds,  // Limits::ids
  // encodings
  BadEncodedWord,      // not as RFC 2047 says; decoded as far as it can be
  UnknownCharset,      // label not known: guessed
  WrongCharset,        // bytes that do not fit their label: guessed, or U+FFFD
  BadBase64,           // foreign characters, missing padding, data behind the padding
  BadQuotedPrintable,  // '=' without two hexadecimal digits
  BadUuencode,
};

// Stable, for scripts: "no-close-delimiter".
std::string_view name_of(Fault fault);
// For people, in English: "a multipart that is not closed".
std::string_view words_of(Fault fault);

struct Defect {
  Fault fault;
  uint64_t offset;  // in the bytes given to the parser; for decoded content: in the part's body
  bool operator==(const Defect&) const = default;
};

// Collects defects. `base` is added to offsets, so that a reader of one value need not know where in
// the message it stands.
class Defects {
 public:
  void add(Fault fault, uint64_t at = 0) {
    ++total_;
    if (list_.size() < kMaxDefects) list_.push_back({fault, base + at});
  }
  const std::vector<Defect>& list() const { return list_; }
  uint64_t total() const { return total_; }  // with those past kMaxDefects
  bool has(Fault fault) const;

  uint64_t base = 0;

 private:
  std::vector<Defect> list_;
  uint64_t total_ = 0;
};

// For readers whose caller may not care.
inline void note(Defects* defects, Fault fault, uint64_t at = 0) {
  if (defects != nullptr) defects->add(fault, at);
}

}  // namespace libsync::mime

#include "libsync/mime/defect.h"

#include <algorithm>

namespace libsync::mime {

namespace {

struct Names {
  std::string_view code, words;
};

Names names_of(Fault fault) {
  switch (fault) {
    case Fault::JunkInHeader:
      return {"junk-in-header", "a line in the header that is no field"};
    case Fault::NoHeaderEnd:
      return {"no-header-end", "the body begins without an empty line"};
    case Fault::DuplicateField:
      return {"duplicate-field", "a field that may stand once stands again"};
    case Fault::TooManyFields:
      return {"too-many-fields", "more header fields than are read"};
    case Fault::ValueTooLong:
      return {"value-too-long", "a field longer than is read"};
    case Fault::RawEightBit:
      return {"raw-eight-bit", "characters in the header that are neither ASCII nor UTF-8"};
    case Fault::BadContentType:
      return {"bad-content-type", "a content type that is none"};
    case Fault::UnknownEncoding:
      return {"unknown-encoding", "an unknown transfer encoding"};
    case Fault::EncodedContainer:
      return {"encoded-container", "a container with a transfer encoding, which only its parts may have"};
    case Fault::NoBoundaryParameter:
      return {"no-boundary-parameter", "a multipart that names no boundary"};
    case Fault::NoDelimiter:
      return {"no-delimiter", "a multipart whose boundary never occurs"};
    case Fault::NoCloseDelimiter:
      return {"no-close-delimiter", "a multipart that is not closed"};
    case Fault::TooDeep:
      return {"too-deep", "parts nested deeper than are read"};
    case Fault::TooManyParts:
      return {"too-many-parts", "more parts than are read"};
    case Fault::BadParameter:
      return {"bad-parameter", "a damaged parameter"};
    case Fault::DuplicateParameter:
      return {"duplicate-parameter", "a parameter that stands twice"};
    case Fault::MissingSection:
      return {"missing-section", "a parameter in pieces of which one is missing"};
    case Fault::TooManyParameters:
      return {"too-many-parameters", "more parameters than are read"};
    case Fault::BadAddress:
      return {"bad-address", "a damaged address"};
    case Fault::TooManyAddresses:
      return {"too-many-addresses", "more addresses than are read"};
    case Fault::UnclosedComment:
      return {"unclosed-comment", "a parenthesis that is not closed"};
    case Fault::CommentTooDeep:
      return {"comment-too-deep", "parentheses nested deeper than are read"};
    case Fault::BadDate:
      return {"bad-date", "a date that can't be read"};
    case Fault::BadMessageId:
      return {"bad-message-id", "a damaged message id"};
    case Fault::TooManyIds:
      return {"too-many-ids", "more message ids than are read"};
    case Fault::BadEncodedWord:
      return {"bad-encoded-word", "a damaged encoded word"};
    case Fault::UnknownCharset:
      return {"unknown-charset", "an unknown charset"};
    case Fault::WrongCharset:
      return {"wrong-charset", "text that is not in the charset it names"};
    case Fault::BadBase64:
      return {"bad-base64", "damaged base64"};
    case Fault::BadQuotedPrintable:
      return {"bad-quoted-printable", "damaged quoted-printable"};
    case Fault::BadUuencode:
      return {"bad-uuencode", "damaged uuencode"};
  }
  return {"unknown", "unknown"};
}

}  // namespace

std::string_view name_of(Fault fault) { return names_of(fault).code; }
std::string_view words_of(Fault fault) { return names_of(fault).words; }

bool Defects::has(Fault fault) const {
  return std::ranges::any_of(list_, [&](const Defect& d) { return d.fault == fault; });
}

}  // namespace libsync::mime

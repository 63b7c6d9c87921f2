#include "libsync/mime/defect.h"

#include <algorithm>

namespace libsync::mime {

std::string_view name_of(Fault fault) {
  switch (fault) {
    case Fault::JunkInHeader:
      return "junk-in-header";
    case Fault::NoHeaderEnd:
      return "no-header-end";
    case Fault::DuplicateField:
      return "duplicate-field";
    case Fault::TooManyFields:
      return "too-many-fields";
    case Fault::ValueTooLong:
      return "value-too-long";
    case Fault::RawEightBit:
      return "raw-eight-bit";
    case Fault::BadContentType:
      return "bad-content-type";
    case Fault::UnknownEncoding:
      return "unknown-encoding";
    case Fault::EncodedContainer:
      return "encoded-container";
    case Fault::NoBoundaryParameter:
      return "no-boundary-parameter";
    case Fault::NoDelimiter:
      return "no-delimiter";
    case Fault::NoCloseDelimiter:
      return "no-close-delimiter";
    case Fault::TooDeep:
      return "too-deep";
    case Fault::TooManyParts:
      return "too-many-parts";
    case Fault::BadParameter:
      return "bad-parameter";
    case Fault::DuplicateParameter:
      return "duplicate-parameter";
    case Fault::MissingSection:
      return "missing-section";
    case Fault::TooManyParameters:
      return "too-many-parameters";
    case Fault::BadAddress:
      return "bad-address";
    case Fault::TooManyAddresses:
      return "too-many-addresses";
    case Fault::UnclosedComment:
      return "unclosed-comment";
    case Fault::CommentTooDeep:
      return "comment-too-deep";
    case Fault::BadDate:
      return "bad-date";
    case Fault::BadMessageId:
      return "bad-message-id";
    case Fault::TooManyIds:
      return "too-many-ids";
    case Fault::BadEncodedWord:
      return "bad-encoded-word";
    case Fault::UnknownCharset:
      return "unknown-charset";
    case Fault::WrongCharset:
      return "wrong-charset";
    case Fault::BadBase64:
      return "bad-base64";
    case Fault::BadQuotedPrintable:
      return "bad-quoted-printable";
    case Fault::BadUuencode:
      return "bad-uuencode";
  }
  return "unknown";
}

bool Defects::has(Fault fault) const {
  return std::ranges::any_of(list_, [&](const Defect& d) { return d.fault == fault; });
}

}  // namespace libsync::mime

// The table of what the IMAP server speaks. A new extension is a file, and its row here.
#include <array>

#include "libsync/server/imap_extension.h"

namespace libsync::server {

std::span<const Extension* const> extensions() {
  static constexpr std::array kAll = {&kBase,         &kImap4rev2,       &kAppendLimit,  &kBinary,
                                      &kChildren,     &kCompressDeflate, &kCondstore,    &kCreateSpecialUse,
                                      &kEnable,       &kEsearch,         &kId,           &kIdle,
                                      &kListExtended, &kListStatus,      &kLiteralMinus, &kLiteralPlus,
                                      &kMove,         &kMultiAppend,     &kNamespace,    &kNotify,
                                      &kObjectId,     &kPreview,         &kQresync,      &kSaslIr,
                                      &kSaveDate,     &kSearchRes,       &kSpecialUse,   &kStatusSize,
                                      &kUidPlus,      &kUnselect,        &kUtf8Accept,   &kWithin};
  return kAll;
}

}  // namespace libsync::server

// Which charset unlabelled bytes look like. Internal to mime.
#pragma once

#include <string_view>

namespace libsync::mime {

// Of bytes that are not UTF-8, or hold an ESC: "ISO-2022-JP", "GB18030", "EUC-JP-MS", "CP932" or "CP1252".
std::string_view guess_charset(std::string_view bytes);

}  // namespace libsync::mime

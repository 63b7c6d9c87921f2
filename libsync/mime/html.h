// HTML to plain text, for an index and a preview: not a renderer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace libsync::mime {

// `html` in UTF-8. Tags go, block tags become line breaks, scripts, styles, titles and comments vanish,
// character references are decoded, white space is folded. Never fails; linear time; at most max_bytes.
std::string html_to_text(std::string_view html, uint64_t max_bytes = UINT64_MAX);

// "&amp;" at the beginning of `text`: appends its character and says how many bytes it took; 0 if it is
// no reference.
size_t append_reference(std::string_view text, std::string& out);

}  // namespace libsync::mime

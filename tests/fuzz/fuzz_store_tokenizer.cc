// Text of a message or of a query as words: each word lies in the text, in order, and is valid UTF-8 if the text is;
// joining lines that a mail program broke loses nothing but the breaks.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "libsync/base/text.h"
#include "libsync/store/db.h"
#include "libsync/store/tokenizer.h"

namespace {

libsync::store::Tokens& tokens() {
  static const auto db = libsync::store::Db::open(":memory:", libsync::store::DbMode::Memory).value();
  static const auto made = libsync::store::Tokens::make(*db).value();
  return *made;
}

std::string without_line_ends(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != '\r' && c != '\n') out += c;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace libsync;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const bool valid = is_valid_utf8(text);
  for (const auto what : {store::TokenizeFor::Document, store::TokenizeFor::Query}) {
    size_t from = 0;
    tokens().split(text, what, [&](const store::Token& token) {
      if (token.text.empty() || (valid && !is_valid_utf8(token.text))) std::abort();
      if (token.begin >= token.end || token.end > text.size() || token.begin < from) std::abort();
      from = token.begin;
      return true;
    });
  }
  if (valid && without_line_ends(store::join_unspaced_lines(text)) != without_line_ends(text)) std::abort();
  return 0;
}

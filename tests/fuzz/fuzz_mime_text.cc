// Charsets, transfer encodings and HTML.
#include <cstdlib>

#include "libsync/base/text.h"
#include "libsync/mime/charset.h"
#include "libsync/mime/html.h"
#include "libsync/mime/transfer.h"

namespace {

void check(const std::string& text) {
  if (!libsync::is_valid_utf8(text)) std::abort();
}

// However the body is cut, the result is the same.
void check_cut(libsync::mime::Encoding encoding, std::string_view bytes) {
  const std::string whole = decode_transfer(encoding, bytes);
  libsync::mime::TransferDecoder decoder(encoding);
  std::string out;
  decoder.feed(bytes.substr(0, bytes.size() / 3), out);
  decoder.feed(bytes.substr(bytes.size() / 3), out);
  decoder.finish(out);
  if (out != whole) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace libsync::mime;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Converters converters;
  const size_t newline = bytes.find('\n');
  if (newline != bytes.npos) {  // a label, and bytes in it
    std::string out;
    converters.append(bytes.substr(0, newline), bytes.substr(newline + 1), out);
    check(out);
  }
  std::string guessed;
  converters.append_guess(bytes, guessed);
  check(guessed);
  check(html_to_text(guessed));
  if (html_to_text(guessed, 100).size() > 100) std::abort();
  for (const Encoding e : {Encoding::Base64, Encoding::QuotedPrintable, Encoding::Uuencode}) check_cut(e, bytes);
  return 0;
}

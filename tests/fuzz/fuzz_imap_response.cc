// Any bytes from a server, before and after login: no crash, no endless work. Names, sets and dates with
// them.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libsync/imap/names.h"
#include "libsync/imap/session.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace libsync::imap;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Handler nobody;
  for (const char* greeting : {"* PREAUTH hi\r\n", "* OK hi\r\n", ""}) {
    Session session(nobody);
    if (!session.receive(greeting)) std::abort();
    (void)session.receive(bytes.substr(0, size / 2));
    (void)session.receive(bytes.substr(size / 2));
  }
  if (const auto text = decode_mutf7(bytes); text && encode_mutf7(*text) != bytes) std::abort();
  (void)split_name(bytes, '/', false);
  (void)split_name(bytes, ',', false);
  (void)split_name(bytes, '/', true);
  Quirks quirks;
  if (const auto set = SequenceSet::parse(bytes, quirks)) {
    const auto again = SequenceSet::parse(set->text(), quirks);
    if (!again || again->ranges() != set->ranges()) std::abort();
  }
  constexpr size_t kMost = 1000;
  if (const auto numbers = numbers_in_order(bytes, kMost); numbers && numbers->size() > kMost) std::abort();
  if (const auto date = parse_internal_date(bytes)) {
    if (const auto text = format_internal_date(*date); text && parse_internal_date(*text) != date) std::abort();
  }
  return 0;
}

// Fields, addresses, ids: as an envelope, and each reader on the raw bytes.
#include <cstdlib>

#include "libsync/base/text.h"
#include "libsync/mime/envelope.h"
#include "libsync/mime/message_id.h"

namespace {

void check(const std::string& text) {
  if (!libsync::is_valid_utf8(text) || text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos) std::abort();
}

void check(const std::vector<libsync::mime::Address>& list) {
  int groups = 0;
  for (const auto& a : list) {
    check(a.name);
    check(a.comment);
    check(addr_spec(a));
    check(display(a));
    groups += a.kind == libsync::mime::AddressKind::GroupStart ? 1 : 0;
    groups -= a.kind == libsync::mime::AddressKind::GroupEnd ? 1 : 0;
    if (groups < 0 || groups > 1) std::abort();
  }
  if (groups != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace libsync::mime;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Converters converters;
  Defects defects;
  const Envelope e = parse_envelope(bytes, converters, {}, &defects);
  check(e.subject);
  check(e.list_id);
  for (const auto* list : {&e.from, &e.sender, &e.reply_to, &e.to, &e.cc, &e.bcc}) check(*list);
  check(parse_addresses(bytes, &converters));
  parse_addresses(bytes, nullptr);
  parse_ids(bytes);
  const Header header(bytes);
  for (const Field& field : header.fields()) {
    if (field.name.empty() || bytes.substr(field.offset, field.name.size()) != field.name) std::abort();
  }
  return 0;
}

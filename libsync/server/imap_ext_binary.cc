// BINARY (RFC 3516): parts with their transfer encoding taken off; APPEND takes literal8.
#include <fmt/format.h>

#include "libsync/server/imap_fetch.h"

namespace libsync::server {
namespace {

bool parse_binary(imap::Parser& in, FetchItem& item) {
  item.peek = false;
  return in.expect_ch('[') && parse_binary_section(in, item.section) && parse_partial(in, item.partial);
}

bool parse_binary_peek(imap::Parser& in, FetchItem& item) {
  return in.expect_ch('[') && parse_binary_section(in, item.section) && parse_partial(in, item.partial);
}

bool parse_binary_size(imap::Parser& in, FetchItem& item) {
  return in.expect_ch('[') && parse_binary_section(in, item.section);
}

std::unexpected<Error> unknown_encoding() {
  return fail(Error{
      .code = Errc::Refused, .what = "nobody knows how that part is encoded", .hint = std::string(kUnknownEncoding)});
}

Status write_binary(FetchTarget& target, const FetchItem& item) {
  TB_ASSIGN(const mime::Message* message, target.message());
  Content content = binary_of(item.section, *message, item.partial);
  if (content.kind == Content::Kind::UnknownEncoding) return unknown_encoding();
  std::string name = "BINARY[";
  append_section(item.section, name);
  name += ']';
  if (item.partial) name += fmt::format("<{}>", item.partial->origin);
  target.raw(name);
  put_content(target, std::move(content), true);
  return {};
}

Status write_binary_size(FetchTarget& target, const FetchItem& item) {
  TB_ASSIGN(const mime::Message* message, target.message());
  uint64_t size = 0;
  if (binary_size(item.section, *message, size) == Content::Kind::UnknownEncoding) return unknown_encoding();
  std::string name = "BINARY.SIZE[";
  append_section(item.section, name);
  target.raw(fmt::format("{}] {}", name, size));
  return {};
}

using Of = FetchRow::Of;
constexpr FetchRow kFetch[] = {
    {.name = "BINARY", .of = Of::Facts, .parse = parse_binary, .write = write_binary},
    {.name = "BINARY.PEEK", .of = Of::Facts, .parse = parse_binary_peek, .write = write_binary},
    {.name = "BINARY.SIZE", .of = Of::Facts, .parse = parse_binary_size, .write = write_binary_size},
};

}  // namespace

const Extension kBinary = {.id = Ext::Binary, .name = "BINARY", .fetch = kFetch};

}  // namespace libsync::server

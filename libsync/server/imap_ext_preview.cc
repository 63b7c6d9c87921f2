// PREVIEW (RFC 8970).
#include <string>

#include "libsync/base/text.h"
#include "libsync/server/imap_fetch.h"
#include "libsync/server/imap_preview.h"
#include "libsync/server/imap_string.h"

namespace libsync::server {
namespace {

// Section 3.1: LAZY lets the server off if it is dear. It is not.
// Another list behind it is of FETCH's own modifiers.
bool parse_preview(imap::Parser& in, FetchItem&) {
  imap::Parser ahead = in;
  if (ahead.space() && ahead.ch('(') && iequals(ahead.atom(), "LAZY") && ahead.ch(')')) in.seek(ahead.offset());
  return true;
}

Status write_preview(FetchTarget& target, const FetchItem&) {
  TB_ASSIGN(const mime::Message* message, target.message());
  std::string text;
  append_string(preview_of(*message, target.converters()), target.imap().utf8(), text);
  target.raw("PREVIEW ");
  target.text(text);
  return {};
}

constexpr FetchRow kFetch[] = {
    {.name = "PREVIEW", .of = FetchRow::Of::Facts, .parse = parse_preview, .write = write_preview}};

}  // namespace

const Extension kPreview = {.id = Ext::Preview, .name = "PREVIEW", .fetch = kFetch};

}  // namespace libsync::server

#include "libsync/store/mail_text.h"

#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/mime/body.h"
#include "libsync/mime/envelope.h"
#include "libsync/mime/message.h"
#include "libsync/store/tokenizer.h"
#include "libsync/sync/print.h"

namespace libsync::store {
namespace {

// Cut between characters, NULs as spaces: SQLite's text functions end at one.
std::string column(std::string text) {
  if (text.size() > kMaxColumnBytes) {
    size_t end = kMaxColumnBytes;
    while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80) --end;
    text.resize(end);
  }
  std::ranges::replace(text, '\0', ' ');
  return text;
}

}  // namespace

EnvelopeColumns MailReader::columns(std::string_view header) {
  const mime::Envelope envelope = mime::parse_envelope(header, converters_);
  EnvelopeColumns columns{.subject = column(envelope.subject),
                          .from = column(mime::display(envelope.from)),
                          .to = column(mime::display(envelope.to)),
                          .cc = column(mime::display(envelope.cc)),
                          .message_id = column(envelope.message_id),
                          .list_id = column(envelope.list_id)};
  if (!envelope.in_reply_to.empty()) columns.in_reply_to = column(envelope.in_reply_to.front());
  if (envelope.date) columns.date = envelope.date->unix_seconds;
  return columns;
}

SearchText MailReader::search_text(std::string_view message) {
  const mime::Message parsed = mime::parse(message);
  SearchText text{.body = join_unspaced_lines(mime::text_of(parsed, converters_))};
  std::ranges::replace(text.body, '\0', ' ');
  text.attachments = std::ranges::any_of(parsed.parts, [&](const mime::Part& part) {
    return part.kind == mime::PartKind::Leaf && mime::is_attachment(part, mime::part_info(parsed, part, converters_));
  });
  return text;
}

std::string_view header_of(std::string_view bytes) { return bytes.substr(0, sync::header_size(bytes)); }

}  // namespace libsync::store

// The items of FETCH that IMAP4rev1 and IMAP4rev2 have (RFC 9051, section 6.4.5; RFC 3501, section 6.4.5).
#include <fmt/format.h>

#include "libsync/server/imap_commands.h"
#include "libsync/server/imap_envelope.h"
#include "libsync/server/imap_fetch.h"
#include "libsync/server/imap_string.h"
#include "libsync/server/imap_structure.h"
#include "libsync/server/imap_text.h"

namespace libsync::server {
namespace {

Status write_uid(FetchTarget& target, const FetchItem&) {
  target.raw(fmt::format("UID {}", target.row().uid));
  return {};
}

Status write_flags(FetchTarget& target, const FetchItem&) {
  target.raw("FLAGS " + flag_list(target.row().flags));
  return {};
}

Status write_date(FetchTarget& target, const FetchItem&) {
  target.raw("INTERNALDATE " + internal_date(target.row().date));
  return {};
}

Status write_size(FetchTarget& target, const FetchItem&) {
  target.raw(fmt::format("RFC822.SIZE {}", target.row().size));
  return {};
}

Status write_envelope(FetchTarget& target, const FetchItem&) {
  TB_ASSIGN(const std::string_view header, target.header());
  std::string text;
  append_envelope(header, target.imap().utf8(), text);
  target.raw("ENVELOPE ");
  target.text(text);
  return {};
}

Status write_structure(FetchTarget& target, bool extensible) {
  TB_ASSIGN(const mime::Message* message, target.message());
  std::string text;
  append_body_structure(*message, extensible, target.imap().utf8(), text);
  target.raw(extensible ? "BODYSTRUCTURE " : "BODY ");
  target.text(text);
  return {};
}

Status write_bodystructure(FetchTarget& target, const FetchItem&) { return write_structure(target, true); }

Result<Content> find_content(FetchTarget& target, const Section& section) {
  switch (needs(section)) {
    case Needs::Size:
      return content_of(section, {}, target.row().size);
    case Needs::Header: {
      TB_ASSIGN(const std::string_view header, target.header());
      return content_of(section, header, target.row().size);
    }
    case Needs::Message:
      break;
  }
  TB_ASSIGN(const mime::Message* message, target.message());
  return content_of(section, *message);
}

Status write_content(FetchTarget& target, std::string_view name, const FetchItem& item) {
  TB_ASSIGN(Content content, find_content(target, item.section));
  if (item.partial) cut(content, *item.partial);
  target.raw(name);
  put_content(target, std::move(content));
  return {};
}

Status write_body(FetchTarget& target, const FetchItem& item) {
  if (item.structure) return write_structure(target, false);
  std::string name = "BODY[";
  append_section(item.section, name);
  name += ']';
  if (item.partial) name += fmt::format("<{}>", item.partial->origin);
  return write_content(target, name, item);
}

bool parse_body(imap::Parser& in, FetchItem& item) {
  item.structure = !in.ch('[');
  if (item.structure) return true;
  item.peek = false;
  return parse_section(in, item.section) && parse_partial(in, item.partial);
}

bool parse_peek(imap::Parser& in, FetchItem& item) {
  if (!in.expect_ch('[')) return false;
  return parse_section(in, item.section) && parse_partial(in, item.partial);
}

bool parse_rfc822(imap::Parser&, FetchItem& item) {
  item.peek = false;
  return true;
}

bool parse_rfc822_header(imap::Parser&, FetchItem& item) {
  item.section.text = SectionText::Header;
  return true;
}

bool parse_rfc822_text(imap::Parser&, FetchItem& item) {
  item.section.text = SectionText::Text;
  item.peek = false;
  return true;
}

Status write_rfc822(FetchTarget& target, const FetchItem& item) { return write_content(target, item.row->name, item); }

using Of = FetchRow::Of;
constexpr FetchRow kRows[] = {
    {.name = "UID", .write = write_uid},
    {.name = "FLAGS", .write = write_flags},
    {.name = "INTERNALDATE", .of = Of::Facts, .write = write_date},
    {.name = "RFC822.SIZE", .of = Of::Facts, .write = write_size},
    {.name = "ENVELOPE", .of = Of::Facts, .write = write_envelope},
    {.name = "BODYSTRUCTURE", .of = Of::Facts, .write = write_bodystructure},
    {.name = "BODY", .of = Of::Facts, .parse = parse_body, .write = write_body},
    {.name = "BODY.PEEK", .of = Of::Facts, .parse = parse_peek, .write = write_body},
    {.name = "RFC822", .of = Of::Facts, .parse = parse_rfc822, .write = write_rfc822},
    {.name = "RFC822.HEADER", .of = Of::Facts, .parse = parse_rfc822_header, .write = write_rfc822},
    {.name = "RFC822.TEXT", .of = Of::Facts, .parse = parse_rfc822_text, .write = write_rfc822},
};

}  // namespace

std::span<const FetchRow> base_fetch_rows() { return kRows; }

void put_content(FetchTarget& target, Content content, bool binary) {
  switch (content.kind) {
    case Content::Kind::Stored:
      target.raw(" ");
      return target.stream(content.stored);
    case Content::Kind::Made: {
      std::string head;
      append_literal_head(content.text.size(), binary && content.text.find('\0') != std::string::npos, head);
      target.raw(" ");
      target.literal_head(head);
      return target.text(content.text);
    }
    default:
      return target.raw(" NIL");
  }
}

}  // namespace libsync::server

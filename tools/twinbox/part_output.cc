#include "tools/twinbox/part_output.h"

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/mime/body.h"

#include "tools/twinbox/message_text.h"

namespace twinbox {

namespace mime = libsync::mime;
using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::printable;
using libsync::say;
using libsync::Status;

namespace {

constexpr size_t kMaxListed = 20;  // part numbers in an error's hint

std::unexpected<Error> no_part(const mime::Message& message, std::string_view number) {
  std::vector<std::string> numbers;
  for (uint32_t i = 0; i < message.parts.size() && numbers.size() < kMaxListed; ++i) {
    const std::string found = mime::section_number(message, i);
    if (!found.empty() && (numbers.empty() || numbers.back() != found)) numbers.push_back(found);
  }
  return fail(Error{.code = Errc::NotFound,
                    .what = say("the message has no part {}", printable(number, 40)),
                    .hint = say("its parts: {}", fmt::join(numbers, ", "))});
}

Json part_json(const mime::PartDescription& part) {
  JsonObject out = {{"number", part.number},
                    {"kind", mime::name_of(part.kind)},
                    {"depth", part.depth},
                    {"type", fmt::format("{}/{}", part.type, part.subtype)},
                    {"encoding", part.info.encoding},
                    {"header_offset", part.header.offset},
                    {"header_size", part.header.length},
                    {"offset", part.body.offset},
                    {"size", part.body.length},
                    {"lines", part.body_lines},
                    {"attachment", part.attachment}};
  JsonObject parameters;
  for (const auto& parameter : part.info.parameters) parameters.emplace_back(parameter.name, parameter.value);
  out.emplace_back("parameters", std::move(parameters));
  if (!part.info.charset.empty()) out.emplace_back("charset", part.info.charset);
  if (part.info.disposition) out.emplace_back("disposition", part.info.disposition->type);
  if (!part.info.filename.empty()) out.emplace_back("filename", part.info.filename);
  if (!part.info.id.empty()) out.emplace_back("content_id", part.info.id);
  if (!part.info.description.empty()) out.emplace_back("description", part.info.description);
  JsonList headers;
  for (const auto& field : part.fields) headers.emplace_back(JsonObject{{"name", field.name}, {"value", field.text}});
  out.emplace_back("headers", std::move(headers));
  return out;
}

Json addresses_json(const std::vector<mime::Address>& list) {
  JsonList out;
  std::string group;
  bool empty_group = false;  // "undisclosed-recipients:;" is listed too, without an address
  for (const auto& address : list) {
    if (address.kind == mime::AddressKind::GroupStart) {
      group = address.name;
      empty_group = true;
      continue;
    }
    const bool member = address.kind == mime::AddressKind::Mailbox;
    if (member || empty_group) {
      JsonObject one = {{"name", member ? address.name : ""}, {"address", mime::addr_spec(address)}};
      if (!group.empty()) one.emplace_back("group", group);
      out.emplace_back(std::move(one));
    }
    empty_group = false;
    if (!member) group.clear();
  }
  return out;
}

Json envelope_json(const mime::Envelope& envelope) {
  JsonObject out = {{"subject", envelope.subject}};
  out.emplace_back("date", envelope.date ? Json(mime::format_iso(*envelope.date)) : Json());
  out.emplace_back("from", addresses_json(envelope.from));
  out.emplace_back("sender", addresses_json(envelope.sender));
  out.emplace_back("reply_to", addresses_json(envelope.reply_to));
  out.emplace_back("to", addresses_json(envelope.to));
  out.emplace_back("cc", addresses_json(envelope.cc));
  out.emplace_back("bcc", addresses_json(envelope.bcc));
  out.emplace_back("message_id", envelope.message_id);
  out.emplace_back("in_reply_to", envelope.in_reply_to);
  out.emplace_back("references", envelope.references);
  if (!envelope.list_id.empty()) out.emplace_back("list_id", envelope.list_id);
  return out;
}

}  // namespace

std::unexpected<Error> part_is_no_json() {
  return fail(Errc::Usage, say("--part writes octets as they are: it doesn't go with --json"));
}

Status print_part(Context& context, std::string_view octets, std::string_view number) {
  const mime::Message message = mime::parse(octets);
  const auto found = mime::part_of(message, number);
  if (!found) return no_part(message, number);
  const mime::Part& part = message.parts[*found];
  Output& out = context.out();
  const auto write = [&](std::string_view piece) {
    out.text(out.terminal() ? harmless(piece) : std::string(piece));
    return !out.closed() && !context.stop().stop_requested();
  };
  if (part.kind == mime::PartKind::Leaf) {
    mime::decode_body(message, part, write);
  } else {
    write(message.view(part.body));
  }
  return {};
}

void print_tree(Output& out, const mime::MessageDescription& message) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& part : message.parts) {
    // A number belongs to the part that shows it first; a nested multipart root has its container's.
    const bool repeats = !rows.empty() && rows.back()[0] == part.number;
    std::string what = fmt::format("{}{}/{}", std::string(2 * static_cast<size_t>(part.depth), ' '),
                                   printable(part.type, 60), printable(part.subtype, 60));
    if (!part.info.charset.empty()) what += " " + printable(part.info.charset, 40);
    if (!part.info.filename.empty()) what += fmt::format(" \"{}\"", printable(part.info.filename, 200));
    rows.push_back({repeats ? "" : part.number, std::move(what), printable(part.info.encoding, 40),
                    libsync::human_size(part.body.length), counted(part.body_lines, "line", "lines")});
  }
  print_table(out, {Column{}, Column{.flexible = true}, Column{}, Column{.right = true}, Column{.right = true}}, rows);
}

JsonObject describe_json(const mime::MessageDescription& message) {
  JsonList parts, defects;
  for (const auto& part : message.parts) parts.push_back(part_json(part));
  for (const auto& defect : message.defects) {
    defects.emplace_back(JsonObject{{"fault", mime::name_of(defect.fault)}, {"offset", defect.offset}});
  }
  return {{"envelope", envelope_json(message.envelope)},
          {"parts", std::move(parts)},
          {"defects", std::move(defects)},
          {"defects_total", message.defects_total}};
}

}  // namespace twinbox

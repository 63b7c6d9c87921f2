// Any octets as a message: the ENVELOPE, BODY and BODYSTRUCTURE that the server writes of it are read by this program's
// client, without damage, with the meaning that the message has; what they number can be fetched.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libsync/base/text.h"
#include "libsync/imap/limits.h"
#include "libsync/mime/address.h"
#include "libsync/server/imap_envelope.h"
#include "libsync/server/imap_preview.h"
#include "libsync/server/imap_structure.h"

#include "tests/fuzz/read_back.h"

namespace {

using namespace libsync;

void must(bool holds) {
  if (!holds) std::abort();
}

using Text = std::optional<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

using Fields = std::vector<mime::Field>;

Fields fields_of(const mime::Message& message, const mime::Part& part) {
  mime::FieldReader reader(message.bytes.substr(0, part.header.end()), message.line_end, part.header.offset);
  Fields fields;
  for (mime::Field field; reader.next(field);) fields.push_back(field);
  return fields;
}

std::string clean(std::string_view value) {
  std::string text = mime::unfold(value);
  std::erase(text, '\0');
  return text;
}

Text text_of(const Fields& header, std::string_view name) {
  const auto field = std::ranges::find_if(header, [&](const mime::Field& each) { return iequals(each.name, name); });
  return field == header.end() ? Text() : clean(field->value);
}

std::vector<mime::Address> addresses_of(const Fields& header, std::string_view name) {
  std::vector<mime::Address> all;
  for (const mime::Field& field : header) {
    if (!iequals(field.name, name)) continue;
    for (auto& each : mime::parse_addresses(field.value, nullptr)) all.push_back(std::move(each));
  }
  return all;
}

void check_addresses(const std::vector<imap::Address>& read, const std::vector<mime::Address>& meant) {
  must(read.size() == std::min(meant.size(), imap::kMaxAddresses));
  for (size_t i = 0; i < read.size(); ++i) {
    must(!read[i].route);
    must(read[i].host.has_value() == (meant[i].kind == mime::AddressKind::Mailbox));
    must(read[i].mailbox.has_value() == (meant[i].kind != mime::AddressKind::GroupEnd));
    const bool mailbox = meant[i].kind == mime::AddressKind::Mailbox;
    if (mailbox) must(read[i].mailbox == clean(meant[i].local) && read[i].host == clean(meant[i].domain));
    if (mailbox) must(read[i].name.value_or("") == clean(meant[i].name));
  }
}

void check_envelope(const imap::Envelope& read, const Fields& header) {
  must(read.date == text_of(header, "Date") && read.subject == text_of(header, "Subject"));
  must(read.in_reply_to == text_of(header, "In-Reply-To") && read.message_id == text_of(header, "Message-ID"));
  const auto from = addresses_of(header, "From");
  const auto sender = addresses_of(header, "Sender");
  const auto reply_to = addresses_of(header, "Reply-To");
  check_addresses(read.from, from);
  check_addresses(read.sender, sender.empty() ? from : sender);
  check_addresses(read.reply_to, reply_to.empty() ? from : reply_to);
  check_addresses(read.to, addresses_of(header, "To"));
  check_addresses(read.cc, addresses_of(header, "Cc"));
  check_addresses(read.bcc, addresses_of(header, "Bcc"));
}

// Both lists decode to the same, but for the charset that is told where there is none.
void check_parameters(const Pairs& read, const std::vector<mime::RawParameter>& meant, mime::Converters& converters) {
  std::vector<mime::RawParameter> raw;
  for (const auto& [name, value] : read) raw.push_back({name, value});
  const auto ours = mime::decode_parameters(raw, converters);
  const auto theirs = mime::decode_parameters(meant, converters);
  for (const mime::Parameter& each : theirs) {
    const mime::Parameter* found = mime::find(ours, each.name);
    must(found != nullptr && found->value == each.value && found->charset == each.charset);
    must(found->language == each.language);
  }
  for (const mime::Parameter& each : ours) {
    must(mime::find(theirs, each.name) != nullptr || (each.name == "charset" && each.value == "us-ascii"));
  }
}

struct Walk {
  const mime::Message& message;
  bool extensible;
  mime::Converters converters{};

  void part(const imap::BodyPart& read, uint32_t index) {
    const mime::Part& part = message.parts[index];
    must(!read.damaged);
    if (extensible) details(read, part);
    if (part.kind == mime::PartKind::Multipart) {
      must(read.type == "MULTIPART" && read.subtype == to_upper(part.subtype));
      must(read.parts.size() == std::max<size_t>(part.children.size(), 1));
    } else {
      must(read.octets == part.body.length);
      // What is told is what is fetched.
      const auto span = mime::section(message, mime::section_number(message, index));
      must(span && span->length == read.octets);
      must(read.type != "MULTIPART");
      must(read.lines == 0 || read.lines == part.body_lines);
      must((part.kind == mime::PartKind::Message) == (read.envelope != nullptr));
    }
    if (read.envelope && !part.children.empty()) {
      check_envelope(*read.envelope, fields_of(message, message.parts[part.children.front()]));
    }
    for (size_t i = 0; i < part.children.size(); ++i) this->part(read.parts[i], part.children[i]);
  }

 private:
  bool repeats(const mime::Part& part) const {
    const Fields fields = fields_of(message, part);
    return std::ranges::any_of(fields, [&](const mime::Field& field) {
      return istarts_with(field.name, "content-") &&
             std::ranges::count_if(fields, [&](const mime::Field& each) { return iequals(each.name, field.name); }) > 1;
    });
  }

  void details(const imap::BodyPart& read, const mime::Part& part) {
    // Of a field that occurs again the server takes the first, the program's own reading one that says something.
    if (repeats(part)) return;
    const mime::PartInfo info = mime::part_info(message, part, converters);
    check_parameters(read.parameters, info.raw_parameters, converters);
    must(clean(info.location) == read.location.value_or(""));
    must(info.languages == read.languages);
    if (part.kind == mime::PartKind::Multipart) return;
    must(clean(info.id) == read.id.value_or("") && clean(info.md5) == read.md5.value_or(""));
    must(iequals(clean(info.encoding), read.encoding.value_or("")));
    if (!info.disposition) return must(read.disposition.empty());
    must(info.disposition->type.empty() || info.disposition->type == read.disposition);
    check_parameters(read.disposition_parameters, info.disposition->raw, converters);
  }
};

void check_preview(const mime::Message& message) {
  mime::Converters converters;
  const std::string preview = server::preview_of(message, converters);
  must(is_valid_utf8(preview) && preview == printable(preview, SIZE_MAX));
  size_t characters = 0;
  for (const char c : preview) characters += (static_cast<uint8_t>(c) & 0xC0U) != 0x80 ? 1 : 0;
  must(characters <= server::kMaxPreview && trim(preview) == preview && preview.find("  ") == preview.npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const mime::Message message = mime::parse(octets);
  for (const bool utf8 : {false, true}) {
    for (const bool extensible : {false, true}) {
      std::string items = "ENVELOPE ";
      server::append_envelope(octets, utf8, items);
      items += extensible ? " BODYSTRUCTURE " : " BODY ";
      server::append_body_structure(message, extensible, utf8, items);
      must(items.find('\0') == items.npos);
      imap::Quirks quirks;
      const auto read = fuzz::read_back(items, &quirks);
      must(read && read->envelope && read->structure);
      for (const imap::QuirkInfo& each : imap::kQuirks) {
        // A literal that ends in a space before ')' looks to the client's lists like a space too many.
        must(quirks.count(each.quirk) == 0 || each.quirk == imap::Quirk::LongList ||
             each.quirk == imap::Quirk::ExtraSpace);
      }
      check_envelope(*read->envelope, fields_of(message, message.root()));
      Walk{message, extensible}.part(*read->structure, 0);
    }
  }
  check_preview(message);
  return 0;
}

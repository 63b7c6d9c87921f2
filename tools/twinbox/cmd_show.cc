// twinbox show: one or more messages: headers and text, exact octets, or one part.
#include <algorithm>
#include <array>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/mime/body.h"
#include "libsync/mime/describe.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/message_text.h"
#include "tools/twinbox/part_output.h"
#include "tools/twinbox/store_access.h"

namespace twinbox {

namespace store = libsync::store;
namespace mime = libsync::mime;
using libsync::Errc;
using libsync::fail;
using libsync::Result;
using libsync::say;
using libsync::Status;
using libsync::word;

namespace {

constexpr std::array<Option, 3> kOptions = {{
    {"raw", 0, "", "the exact octets as they came"},
    {"part", 'p', "N", "one part, decoded (twinbox show lists the numbers)"},
    {"headers", 0, "", "all header fields"},
}};

void header_line(Output& out, std::string_view name, std::string_view value) {
  if (!value.empty()) out.line(fmt::format("{} {}", pad(name, 9), libsync::printable(value, 2000)));
}

void print_headers(Context& context, const mime::MessageDescription& message, bool all) {
  Output& out = context.out();
  if (all) {
    for (const auto& field : message.parts.front().fields) {
      out.line(fmt::format("{}: {}", libsync::printable(field.name, 100), libsync::printable(field.text, 8000)));
    }
    return;
  }
  const mime::Envelope& envelope = message.envelope;
  if (envelope.date) header_line(out, word("Date:"), mime::format_date(*envelope.date));
  header_line(out, word("From:"), mime::display(envelope.from));
  header_line(out, word("To:"), mime::display(envelope.to));
  header_line(out, word("Cc:"), mime::display(envelope.cc));
  header_line(out, word("Subject:"), envelope.subject);
}

uint64_t decoded_size(const mime::Message& message, const mime::Part& part) {
  uint64_t size = 0;
  mime::decode_body(message, part, [&](std::string_view piece) {
    size += piece.size();
    return true;
  });
  return size;
}

// What there is beside the text shown: every other leaf, and messages as a whole. "2 report.pdf (32 kB)", the
// size that saving it gives.
std::vector<std::string> other_parts(const mime::Message& message, const mime::MessageDescription& description,
                                     const std::vector<uint32_t>& shown) {
  std::vector<std::string> lines;
  for (const auto& part : description.parts) {
    const bool container = part.kind == mime::PartKind::Multipart;
    if ((container && !part.attachment) || std::ranges::find(shown, part.index) != shown.end()) continue;
    const std::string name =
        part.info.filename.empty() ? fmt::format("{}/{}", part.type, part.subtype) : part.info.filename;
    lines.push_back(fmt::format("{} {} ({})", part.number, name,
                                libsync::human_size(decoded_size(message, message.parts[part.index]))));
  }
  return lines;
}

void print_message(Context& context, const store::MessageInfo& info, const std::string& octets, bool all_headers) {
  mime::Converters converters;
  const mime::Message message = mime::parse(octets);
  const auto description = mime::describe(message, converters);
  print_headers(context, description, all_headers);
  std::vector<uint32_t> shown;
  std::string text = printable_lines(mime::text_of(message, converters, {.nested = false}, &shown));
  const auto others = other_parts(message, description, shown);
  for (const auto& line : others) header_line(context.out(), word("Part:"), line);
  context.out().line("");
  while (text.ends_with('\n')) text.pop_back();
  if (!text.empty()) context.out().line(text);
  if (text.empty() && info.size > 0 && others.empty())
    context.note(say("the message has no text; --raw shows its octets"));
}

Json to_json(const store::MessageInfo& info, const std::string& folder, const std::string& octets) {
  mime::Converters converters;
  const mime::Message message = mime::parse(octets);
  JsonObject out = message_json(info, folder);
  out.emplace_back("sha256", libsync::to_hex(info.sha256));
  const JsonObject described = describe_json(mime::describe(message, converters));
  out.insert(out.end(), described.begin(), described.end());
  out.emplace_back("text", mime::text_of(message, converters, {.nested = false}));
  return out;
}

Status print_raw(Context& context, store::Store& from, const store::MessageInfo& info) {
  return from.stream(info.content, [&](std::string_view piece) {
    context.out().text(context.out().terminal() ? harmless(piece) : std::string(piece));
    return !context.out().closed() && !context.stop().stop_requested();
  });
}

Status show_one(Context& context, const Arguments& arguments, store::Store& from, const std::string& id) {
  TB_ASSIGN(const store::MessageInfo info, find_message(from, id));
  if (arguments.has("raw")) return print_raw(context, from, info);
  TB_ASSIGN(const std::string octets, from.content(info.content));
  if (arguments.has("part")) return print_part(context, octets, arguments.value("part"));
  if (!context.json()) {
    print_message(context, info, octets, arguments.has("headers"));
    return {};
  }
  TB_ASSIGN(const auto mailboxes, from.mailboxes());
  context.out().json(to_json(info, FolderNames(mailboxes).of(info), octets));
  return {};
}

// Goes on past a message that can't be shown, and ends with the first such one's status.
Result<int> show(Context& context, const Arguments& arguments) {
  if (arguments.has("raw") && (arguments.has("part") || context.json())) {
    return fail(Errc::Usage, say("--raw goes with neither --part nor --json"));
  }
  if (arguments.has("part") && context.json()) return part_is_no_json();
  TB_ASSIGN(const OpenAccount open, open_account(context, arguments.word(0)));
  const bool plain = !arguments.has("raw") && !arguments.has("part") && !context.json();
  int status = 0;
  for (size_t i = 1; i < arguments.words().size() && !context.out().closed(); ++i) {
    if (plain && i > 1) context.out().line("");
    auto shown = with_way_out(show_one(context, arguments, *open.store, arguments.word(i)), open.account->name);
    if (shown) continue;
    const bool last = i + 1 == arguments.words().size();
    if (shown.error().code == Errc::Cancelled || (last && status == 0)) return std::unexpected(shown.error());
    context.out().flush();  // the error stands where the message would
    context.report(shown.error());
    if (status == 0) status = libsync::exit_status(shown.error().code);
  }
  return status;
}

}  // namespace

extern const Command kShow;
const Command kShow{
    .name = "show",
    .usage = "ACCOUNT ID…",
    .summary = "show messages: headers and text, exact octets, or one part",
    .options = kOptions,
    .least_words = 2,
    .most_words = kAnyNumber,
    .example =
        "twinbox show work 4711\n"
        "twinbox show work 4711 --part 2 > photo.jpg\n"
        "twinbox show work 4711 --raw > message.eml",
    .run = show,
};

}  // namespace twinbox

// twinbox mime: what is inside a message file.
#include <array>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/mime/describe.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/context.h"
#include "tools/twinbox/part_output.h"

namespace twinbox {

namespace mime = libsync::mime;
using libsync::Result;
using libsync::say;
using libsync::word;

namespace {

constexpr uint64_t kMaxFile = 1ULL << 30;  // servers stop far below; the whole file is held in memory

constexpr std::array<Option, 1> kOptions = {{
    {"part", 'p', "N", "write this part, decoded"},
}};

void line(Output& out, std::string_view name, std::string_view value) {
  if (!value.empty()) out.line(fmt::format("{} {}", pad(name, 9), libsync::printable(value, 2000)));
}

void print(Output& out, const mime::MessageDescription& message) {
  const mime::Envelope& envelope = message.envelope;
  if (envelope.date) line(out, word("Date:"), mime::format_date(*envelope.date));
  line(out, word("From:"), mime::display(envelope.from));
  line(out, word("To:"), mime::display(envelope.to));
  line(out, word("Cc:"), mime::display(envelope.cc));
  line(out, word("Subject:"), envelope.subject);
  out.line("");
  print_tree(out, message);
  if (message.defects.empty()) return;
  out.line("");
  for (const auto& defect : message.defects)
    out.line(say("octet {}: {}", defect.offset, word(mime::words_of(defect.fault))));
  if (message.defects_total > message.defects.size()) {
    out.line(say("and {} more", message.defects_total - message.defects.size()));
  }
}

Result<int> show_mime(Context& context, const Arguments& arguments) {
  if (arguments.has("part") && context.json()) return part_is_no_json();
  const std::string& file = arguments.word(0);
  auto& around = context.around();
  TB_ASSIGN(const std::string octets,
            file == "-" ? around.read_input(kMaxFile) : libsync::read_file(around.fs, file, kMaxFile));
  if (arguments.has("part")) {
    TB_TRY(print_part(context, octets, arguments.value("part")));
    return 0;
  }
  mime::Converters converters;
  const mime::Message message = mime::parse(octets);
  const auto description = mime::describe(message, converters);
  if (context.json()) {
    JsonObject out = {{"size", description.size}};
    const JsonObject described = describe_json(description);
    out.insert(out.end(), described.begin(), described.end());
    context.out().json(out);
  } else {
    print(context.out(), description);
  }
  return 0;
}

}  // namespace

extern const Command kMime;
const Command kMime{
    .name = "mime",
    .usage = "FILE|-",
    .summary = "show how a message is built: parts, types, sizes, damages",
    .options = kOptions,
    .least_words = 1,
    .most_words = 1,
    .example =
        "twinbox mime message.eml\n"
        "twinbox mime message.eml --part 2 > photo.jpg",
    .run = show_mime,
};

}  // namespace twinbox

// twinbox append: message files into a folder, byte for byte.
#include <array>
#include <filesystem>

#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/mime/date.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/flag_words.h"
#include "tools/twinbox/local_change.h"

namespace twinbox {

namespace store = libsync::store;
using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::printable;
using libsync::Result;
using libsync::say;
using libsync::Status;

namespace {

constexpr uint64_t kMaxMessage = store::kMaxWholeContent;  // what serve takes by APPEND, and show shows
constexpr size_t kPiece = 256 << 10;
constexpr int64_t kLastDate = 253'402'300'799;  // of the year 9999: IMAP has four digits

constexpr std::array<Option, 2> kOptions = {{
    {"flags", 0, "FLAGS", "with these flags and keywords: seen,flagged,invoice"},
    {"date", 0, "DATE", "when it came, as 2026-11-28T09:30:00+08:00 or in seconds since 1970 (now)"},
}};

// A file of a size that was looked at: what is written to it meanwhile is not read.
class FileSource final : public libsync::sync::ContentSource {
 public:
  FileSource(std::unique_ptr<libsync::File> file, const std::string& path, uint64_t size)
      : file_(std::move(file)), path_(path), size_(size) {}
  std::optional<uint64_t> size() const override { return size_; }
  Result<std::string_view> next() override {
    piece_.resize(std::min<uint64_t>(kPiece, size_ - at_));
    if (piece_.empty()) return std::string_view();
    TB_ASSIGN(const size_t got, file_->read_at(at_, piece_));
    if (got != piece_.size()) return fail(Errc::Disk, say("{} became shorter while it was read", printable(path_)));
    at_ += got;
    return std::string_view(piece_);
  }

 private:
  std::unique_ptr<libsync::File> file_;
  const std::string& path_;
  const uint64_t size_;
  uint64_t at_ = 0;
  std::string piece_;
};

Result<std::optional<int64_t>> read_date(const Arguments& arguments) {
  if (!arguments.has("date")) return std::nullopt;
  const std::string& text = arguments.value("date");
  if (const auto seconds = libsync::parse_u64(text); seconds && *seconds <= uint64_t{kLastDate})
    return static_cast<int64_t>(*seconds);
  // What mail has for dates is read too, in as many forms; here one is enough.
  const bool in_form = text.size() >= 20 && text[4] == '-' && text[7] == '-' && (text[10] == 'T' || text[10] == 't') &&
                       text[13] == ':' && text[16] == ':' && text.find_first_not_of("0123456789-:TtZz.+") == text.npos;
  const auto date = in_form ? libsync::mime::parse_date(text) : std::nullopt;
  if (date && date->unix_seconds >= 0 && date->unix_seconds <= kLastDate) return date->unix_seconds;
  return fail(Error{.code = Errc::Usage,
                    .what = say("--date takes no \"{}\"", printable(text, 60)),
                    .hint = say("write 2026-11-28T09:30:00+08:00, 2026-11-28T01:30:00Z or seconds since 1970")});
}

std::unexpected<Error> empty(const std::string& name) { return fail(Errc::Usage, say("{} is empty", printable(name))); }

Result<store::Staged> stage_file(Context& context, store::Store& into, const std::string& path) {
  using std::filesystem::file_type;
  std::error_code unknown;
  const file_type kind = std::filesystem::status(path, unknown).type();
  if (kind == file_type::directory) {
    return fail(Errc::Usage, say("{} is a folder, not a message's file", printable(path)));
  }
  // A pipe would be waited for when it is opened; one that can't be looked at says why then.
  if (kind != file_type::regular && kind != file_type::not_found && kind != file_type::none) {
    return fail(Error{
        .code = Errc::Usage, .what = say("{} is not a file", printable(path)), .hint = say("- reads standard input")});
  }
  TB_ASSIGN(auto file, context.around().fs.open(path, libsync::OpenMode::Read));
  TB_ASSIGN(const uint64_t size, file->size());
  if (size == 0) return empty(path);
  if (size > kMaxMessage) {
    return fail(Errc::Limit, say("{} is larger than {}", printable(path), libsync::human_size(kMaxMessage)));
  }
  FileSource source(std::move(file), path, size);
  return into.stage(source);
}

Result<std::vector<store::Staged>> stage_all(Context& context, store::Store& into, std::span<const std::string> files) {
  static const std::string kInput = "-";
  std::vector<store::Staged> staged;
  bool input_read = false;
  for (const std::string& path : files.empty() ? std::span(&kInput, 1) : files) {
    if (context.stop().stop_requested()) return fail(Errc::Cancelled, say("interrupted; nothing was stored"));
    if (path != "-") {
      TB_ASSIGN(staged.emplace_back(), stage_file(context, into, path));
      continue;
    }
    if (std::exchange(input_read, true)) return fail(Errc::Usage, say("standard input can be read once"));
    TB_ASSIGN(const std::string octets, context.around().read_input(kMaxMessage));
    if (octets.empty()) return empty(std::string(libsync::word("standard input")));
    TB_ASSIGN(staged.emplace_back(), into.stage(octets));
  }
  return staged;
}

struct Appended {
  std::string folder;
  std::vector<store::MessageId> ids;
  uint64_t octets = 0;
};

Result<Appended> append_messages(Context& context, const Arguments& arguments, const OpenAccount& open,
                                 const libsync::sync::Flags& flags, std::optional<int64_t> date) {
  // Before anything is read, and again when it is written.
  TB_ASSIGN(const auto target, find_folder(open, arguments.word(1)));
  TB_TRY(may_change(open, target.path, LocalChange::Mail));
  const auto staged = stage_all(context, *open.store, std::span(arguments.words()).subspan(2));
  if (!staged) {
    open.store->discard_staged();
    return fail(staged.error());
  }
  TB_ASSIGN(const auto write, begin_change(open));
  TB_ASSIGN(const auto folder, find_folder(open, arguments.word(1)));
  Appended out{.folder = folder_name(folder.path), .ids = {}};
  CommandLog log(context, open, "append");
  for (const store::Staged& one : *staged) {
    TB_ASSIGN(const auto placed, write->add(folder.id, one, flags, date.value_or(context.now())));
    TB_TRY(log.note_new(placed.id, folder.path));
    out.ids.push_back(placed.id);
    out.octets += one.size;
  }
  TB_TRY(write->commit());
  return out;
}

Result<int> append(Context& context, const Arguments& arguments) {
  libsync::sync::Flags flags;
  if (arguments.has("flags")) {
    TB_ASSIGN(flags, read_flag_list(arguments.value("flags")));
  }
  TB_ASSIGN(const auto date, read_date(arguments));
  TB_ASSIGN(const OpenAccount open, open_to_change(context, arguments.word(0), LocalChange::Mail));
  TB_ASSIGN(const Appended done,
            with_way_out(append_messages(context, arguments, open, flags, date), open.account->name));
  if (context.json()) {
    context.out().json(JsonObject{{"account", open.account->name},
                                  {"folder", done.folder},
                                  {"messages", done.ids.size()},
                                  {"size", done.octets},
                                  {"ids", ids_json(done.ids)}});
    return 0;
  }
  std::string text = say("{} stored in {}, {}", messages_text(done.ids.size()), printable(done.folder),
                         libsync::human_size(done.octets));
  if (done.ids.size() == 1) text += say(": id {}", done.ids.front());
  context.note(text);
  return 0;
}

}  // namespace

extern const Command kAppend;
const Command kAppend{
    .name = "append",
    .usage = "ACCOUNT FOLDER [FILE…]",
    .summary = "store messages from files, or from standard input, byte for byte",
    .options = kOptions,
    .least_words = 2,
    .most_words = kAnyNumber,
    .example =
        "twinbox append work Archive letter.eml --flags seen --date 2026-11-28T09:30:00+08:00\n"
        "twinbox append work Drafts < draft.eml",
    .run = append,
};

}  // namespace twinbox

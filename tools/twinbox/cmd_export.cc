// twinbox export: messages as files that other programs read.
#include <algorithm>
#include <array>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/export_target.h"
#include "tools/twinbox/progress.h"
#include "tools/twinbox/store_access.h"

namespace twinbox {

namespace store = libsync::store;
using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::Result;
using libsync::say;
using libsync::Status;

namespace {

constexpr std::array<Option, 3> kOptions = {{
    {"eml", 0, "DIR", "one .eml file a message, the exact octets; run again, it adds what is new"},
    {"mbox", 0, "FILE", "one mbox file (mboxrd, lines ended by LF), written whole each time; - for standard output"},
    {"maildir", 0, "DIR", "a Maildir with its folders and flags (lines ended by LF); run again, it adds what is new"},
}};

constexpr uint64_t kMaxReported = 20;  // differing files named one by one

struct Totals {
  uint64_t written = 0, there = 0, failed = 0;
  uint64_t octets = 0;  // of the messages written
};

Result<std::unique_ptr<ExportTarget>> make_target(Context& context, const Arguments& arguments) {
  const int given = arguments.has("eml") + arguments.has("mbox") + arguments.has("maildir");
  if (given != 1) {
    return fail(Error{.code = Errc::Usage,
                      .what = given == 0 ? say("export needs a place to write to") : say("export writes to one place"),
                      .hint = say("--eml DIR, --mbox FILE or --maildir DIR")});
  }
  for (const char* option : {"eml", "mbox", "maildir"}) {
    if (arguments.has(option) && arguments.value(option).empty())
      return fail(Errc::Usage, say("--{} is empty", option));
  }
  if (context.json() && arguments.value("mbox") == "-") {
    return fail(Error{.code = Errc::Usage,
                      .what = say("--mbox - writes the mbox to standard output: it doesn't go with --json"),
                      .hint = say("name a file: --mbox FILE")});
  }
  auto& fs = context.around().fs;
  if (arguments.has("eml")) return eml_target(fs, arguments.value("eml"));
  if (arguments.has("maildir")) return maildir_target(fs, arguments.value("maildir"));
  return mbox_target(fs, arguments.value("mbox"), [&context](std::string_view bytes) {
    context.out().text(bytes);
    return !context.out().closed();
  });
}

Result<std::vector<store::MailboxInfo>> chosen(const OpenAccount& from, const std::vector<std::string>& words) {
  if (words.size() <= 1) return from.store->mailboxes();
  std::vector<store::MailboxInfo> out;
  for (size_t i = 1; i < words.size(); ++i) {
    TB_ASSIGN(auto mailbox, find_folder(from, words[i]));
    const auto same = [&](const store::MailboxInfo& m) { return m.id == mailbox.id; };
    if (std::none_of(out.begin(), out.end(), same)) out.push_back(std::move(mailbox));
  }
  return out;
}

// One file in the way or one damaged message does not stop the others; a full disk does.
bool ends_export(const Error& error) { return error.code != Errc::Refused && error.code != Errc::Corrupt; }

class Exporter {
 public:
  // `to_terminal`: the messages themselves go there, and no progress in between.
  Exporter(Context& context, const OpenAccount& open, ExportTarget& target, bool to_terminal)
      : context_(context),
        open_(open),
        target_(target),
        board_(context.around().err, context.around().clock,
               !context.globals().quiet && !context.json() && !to_terminal),
        line_(board_.add(open.account->name)) {}

  Status run(const std::vector<store::MailboxInfo>& mailboxes) {
    for (const auto& mailbox : mailboxes) {
      total_ += mailbox.messages;
      octets_total_ += mailbox.octets;
    }
    for (const auto& mailbox : mailboxes) TB_TRY(folder(mailbox));
    board_.remove(line_);
    return target_.finish();
  }
  const Totals& totals() const { return totals_; }
  int worst() const { return worst_; }

 private:
  Status folder(const store::MailboxInfo& mailbox) {
    Status result;
    const store::ListOptions options{.mailbox = mailbox.id, .order = store::ListOrder::Uid};
    TB_TRY(open_.store->list(options, [&](const store::MessageInfo& message) {
      result = one(mailbox, message);
      return result.has_value();
    }));
    return result;
  }

  Status one(const store::MailboxInfo& mailbox, const store::MessageInfo& message) {
    if (context_.stop().stop_requested()) return fail(Errc::Cancelled, say("interrupted; run it again to go on"));
    const auto done = target_.add(mailbox.path, message, [&](const std::function<bool(std::string_view)>& sink) {
      return open_.store->stream(message.content, sink);
    });
    if (done) {
      const bool written = *done == Exported::Written;
      ++(written ? totals_.written : totals_.there);
      if (written) totals_.octets += message.size;
    } else if (ends_export(done.error())) {
      return fail(done.error());
    } else {
      ++totals_.failed;
      worst_ = std::max(worst_, exit_status(done.error().code));
      if (totals_.failed <= kMaxReported) board_.print(report_text(with_way_out(done.error(), open_.account->name)));
    }
    octets_done_ += message.size;
    board_.update(line_, {.done = totals_.written + totals_.there + totals_.failed,
                          .total = total_,
                          .bytes = octets_done_,
                          .bytes_total = octets_total_});
    return {};
  }

  std::string report_text(const Error& error) const {
    if (context_.json()) return to_line(error_json(error));
    std::string text = error_text(error);
    while (text.ends_with('\n')) text.pop_back();
    return text;
  }

  Context& context_;
  const OpenAccount& open_;
  ExportTarget& target_;
  ProgressBoard board_;
  size_t line_;
  uint64_t total_ = 0, octets_total_ = 0, octets_done_ = 0;
  Totals totals_;
  int worst_ = 0;
};

void print_totals(Context& context, const std::string& name, const Totals& totals) {
  if (context.json()) {
    context.out().json(JsonObject{{"account", name},
                                  {"written", totals.written},
                                  {"already_there", totals.there},
                                  {"failed", totals.failed},
                                  {"size", totals.octets}});
    return;
  }
  std::string text = say("{}  {} written, {}", name, counted(totals.written, "message", "messages"),
                         libsync::human_size(totals.octets));
  if (totals.there > 0) text += say(", {} there already", libsync::with_separators(totals.there));
  if (totals.failed > 0) text += say(", {} failed", libsync::with_separators(totals.failed));
  context.note(text);
}

Result<int> export_messages(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const auto target, make_target(context, arguments));
  TB_ASSIGN(const OpenAccount open, open_account(context, arguments.word(0)));
  TB_ASSIGN(const auto mailboxes, with_way_out(chosen(open, arguments.words()), open.account->name));
  Exporter exporter(context, open, *target, arguments.value("mbox") == "-" && context.out().terminal());
  TB_TRY(with_way_out(exporter.run(mailboxes), open.account->name));
  context.out().flush();
  if (context.out().closed()) return exporter.worst();  // not all of it arrived, whatever was written
  print_totals(context, open.account->name, exporter.totals());
  return exporter.worst();
}

}  // namespace

extern const Command kExport;
const Command kExport{
    .name = "export",
    .usage = "ACCOUNT [FOLDER…]",
    .summary = "write messages as .eml files, an mbox file or a Maildir",
    .options = kOptions,
    .least_words = 1,
    .most_words = kAnyNumber,
    .example =
        "twinbox export work --eml ~/backup/work\n"
        "twinbox export work INBOX Archive/2026 --mbox work.mbox",
    .run = export_messages,
};

}  // namespace twinbox

// twinbox folders: what maps to what, before anything moves.
#include <array>

#include "libsync/account/folder_list.h"
#include "libsync/account/remote.h"
#include "libsync/account/secrets.h"
#include "libsync/account/sync_account.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/store/link_table.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/store_access.h"
#include "tools/twinbox/trace_printer.h"

namespace twinbox {

namespace account = libsync::account;
namespace store = libsync::store;
namespace sync = libsync::sync;
using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::printable;
using libsync::Result;
using libsync::say;
using libsync::Status;
using libsync::word;

namespace {

constexpr std::array<Option, 1> kOptions = {{
    {"offline", 0, "", "do not ask the server: as the last sync left it"},
}};

// Nothing was asked of the server that could take effect only now.
class NothingMarked final : public sync::ActionSink {
 public:
  Status done(uint64_t, const sync::Outcome&) override { return {}; }
  Status durable() override { return {}; }
};

// What a sync would find here; nothing where none ever was.
Result<std::string> read_store(Context& context, const account::Account& which, account::KnownFolders& known) {
  auto open = open_any_account(context, which, store::StoreMode::ReadOnly);
  if (!open && open.error().code == Errc::NotFound) return std::string();
  if (!open) return fail(std::move(open).error());
  store::Store& from = *open->store;
  TB_ASSIGN(known.here, from.mailboxes());
  TB_ASSIGN(known.pairs, store::open_link(from.db())->pairs());
  TB_ASSIGN(known.kept, store::count_kept(from.db()));
  TB_ASSIGN(const auto mechanism, from.meta(account::kLoginMechanism));
  return mechanism.value_or("");
}

Status ask_server(Context& context, const account::Account& which, const std::string& mechanism,
                  account::KnownFolders& known) {
  TB_ASSIGN(const auto secret, account::resolve_secret(which, context.around().prompt, context.stop()));
  TracePrinter printer(context.around().err, context.around().clock);
  const auto trace = context.globals().trace ? printer.label({}) : nullptr;
  account::RemoteOptions options{.trace = trace.get(), .clock = &context.around().clock};
  if (which.auth.empty()) options.pinned_mechanism = mechanism;
  TB_ASSIGN(const auto remote, account::open_remote(which, secret, options, context.stop()));
  TB_ASSIGN(known.server, remote->mailboxes(context.stop()));
  NothingMarked nothing;
  (void)remote->finish(nothing, context.stop());
  return {};
}

std::string_view arrow(const account::FolderRow& row) {
  if (!row.skipped.empty()) return "";
  switch (row.mode) {
    case account::Mode::TwoWay:
      return "↔";
    case account::Mode::Push:
      return "←";
    case account::Mode::Mirror:
    case account::Mode::Archive:
      break;
  }
  return row.server.empty() ? "" : "→";
}

std::string name_text(const sync::Path& path) { return path.empty() ? "–" : printable(folder_name(path), 400); }

// "3 only here, 1 only there, 2 by flags".
std::string kept_text(const store::Kept& kept) {
  std::vector<std::string> parts;
  if (kept.here > 0) parts.push_back(say("{} only here", libsync::with_separators(kept.here)));
  if (kept.there > 0) parts.push_back(say("{} only there", libsync::with_separators(kept.there)));
  if (kept.flags > 0) parts.push_back(say("{} by flags", libsync::with_separators(kept.flags)));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string note_text(const account::FolderRow& row) {
  if (!row.skipped.empty()) return say("skipped: {}", printable(row.skipped, 300));
  if (!row.next.empty()) return row.next;
  return row.server.empty() ? say("for this computer alone") : std::string();
}

std::vector<std::string> cells(const account::FolderRow& row) {
  const bool skipped = !row.skipped.empty();
  return {name_text(row.server),
          std::string(arrow(row)),
          skipped && !row.is_here ? "–" : name_text(row.here),
          skipped ? "–" : std::string(account::mode_name(row.mode)),
          std::string(word(account::role_name(row.role))),
          row.is_here ? libsync::with_separators(row.messages) : "–",
          kept_text(row.kept),
          note_text(row)};
}

Json name_json(const sync::Path& path) { return path.empty() ? Json() : Json(folder_name(path)); }

JsonObject to_json(const account::Account& which, const account::FolderRow& row, bool asked) {
  return {{"account", which.name},
          {"server", name_json(row.server)},
          {"here", name_json(row.here)},
          {"on_server", row.on_server},
          {"is_here", row.is_here},
          {"mode", account::mode_name(row.mode)},
          {"role", row.role == sync::Role::None ? Json() : Json(account::role_name(row.role))},
          {"skipped", row.skipped.empty() ? Json() : Json(row.skipped)},
          {"next", row.next.empty() ? Json() : Json(row.next)},
          {"messages", row.messages},
          {"only_here", row.kept.here},
          {"only_there", row.kept.there},
          {"flags_differ", row.kept.flags},
          {"asked_server", asked}};
}

void print(Context& context, const account::Account& which, const std::vector<account::FolderRow>& rows, bool asked) {
  std::vector<std::vector<std::string>> lines;
  for (const account::FolderRow& row : rows) {
    if (context.json()) {
      context.out().json(to_json(which, row, asked));
    } else {
      lines.push_back(cells(row));
    }
  }
  if (context.json()) return;
  print_table(context.out(),
              {{.title = std::string(word("server")), .flexible = true},
               {.title = ""},
               {.title = std::string(word("here")), .flexible = true},
               {.title = std::string(word("mode"))},
               {.title = std::string(word("role")), .drop = 1},
               {.title = std::string(word("messages")), .right = true, .drop = 2},
               {.title = std::string(word("differs")), .flexible = true},
               {.title = std::string(word("at the next sync")), .flexible = true}},
              lines);
}

Result<int> folders(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const account::Account* const which, context.account(arguments.word(0)));
  account::KnownFolders known;
  TB_ASSIGN(const std::string mechanism, with_way_out(read_store(context, *which, known), which->name));
  Status asked;
  if (!arguments.has("offline")) asked = ask_server(context, *which, mechanism, known);
  const auto rows = account::list_folders(*which, known);
  if (rows.empty()) {
    if (!asked) return fail(std::move(asked).error());
    return fail(Error{.code = Errc::NotFound,
                      .what = say("nothing is known of {} yet", which->name),
                      .hint = say("without --offline its server is asked")});
  }
  print(context, *which, rows, known.server.has_value());
  if (asked) return 0;
  context.out().flush();
  context.note(say("the server was not asked: this is how the last sync left it"));
  return fail(std::move(asked).error());
}

}  // namespace

extern const Command kFolders;
const Command kFolders{
    .name = "folders",
    .usage = "ACCOUNT",
    .summary = "show what maps to what: each folder's name on both sides, mode and role",
    .options = kOptions,
    .least_words = 1,
    .most_words = 1,
    .example = "twinbox folders work\ntwinbox folders work --json | jq -r 'select(.skipped) | .server'",
    .run = folders,
};

}  // namespace twinbox

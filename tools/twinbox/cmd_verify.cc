// twinbox verify: is the local store whole?
#include <algorithm>

#include "libsync/account/folder_map.h"
#include "libsync/account/remote.h"
#include "libsync/account/secrets.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/store/link_table.h"
#include "libsync/sync/verify.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/progress.h"
#include "tools/twinbox/store_access.h"
#include "tools/twinbox/trace_printer.h"

namespace twinbox {

namespace store = libsync::store;
namespace sync = libsync::sync;
using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::Result;
using libsync::say;
using libsync::Status;

namespace {

// A screenful: who has thousands needs to know that, and how to mend it.
constexpr size_t kProblemsShown = 20;

std::string_view kind_name(store::ProblemKind kind) {  // stable, for scripts
  switch (kind) {
    case store::ProblemKind::Database:
      return "database";
    case store::ProblemKind::MissingSegment:
      return "missing-segment";
    case store::ProblemKind::Frame:
      return "frame";
    case store::ProblemKind::Hash:
      return "hash";
    case store::ProblemKind::MissingContent:
      return "missing-content";
    case store::ProblemKind::Counts:
      return "counts";
    case store::ProblemKind::TornTail:
      return "torn-tail";
    case store::ProblemKind::OrphanSegment:
      return "orphan-segment";
  }
  return "unknown";
}

void print_problem(Context& context, const store::Problem& problem) {
  JsonList ids;
  std::vector<std::string> texts;
  for (const auto id : problem.messages) {
    ids.emplace_back(id);
    texts.push_back(std::to_string(id));
  }
  if (context.json()) {
    context.out().json(JsonObject{{"problem", kind_name(problem.kind)},
                                  {"harmless", problem.harmless},
                                  {"what", problem.text},
                                  {"gone_on_server", problem.lost},
                                  {"ids", std::move(ids)}});
    return;
  }
  std::string line = libsync::printable(problem.text, 1000);
  if (problem.harmless) line += say(" (harmless)");
  if (problem.lost) line += say(" (and no longer on the server)");
  if (!texts.empty()) {
    line += texts.size() == 1 ? say("; message {}", texts[0]) : say("; messages {}", fmt::join(texts, ", "));
  }
  context.out().line(line);
}

void print_summary(Context& context, const OpenAccount& open, const store::VerifyReport& report) {
  if (context.json()) {
    context.out().json(JsonObject{{"account", open.account->name},
                                  {"ok", report.ok()},
                                  {"messages", report.messages},
                                  {"contents", report.contents},
                                  {"size", report.octets},
                                  {"problems", report.problems_total}});
    return;
  }
  const std::string checked =
      fmt::format("{}  {}, {}", open.account->name, counted(report.messages, "message", "messages"),
                  libsync::human_size(report.octets));
  if (report.ok()) {
    context.out().line(say("{}: every octet is as it came", checked));
  } else {
    context.out().line(fmt::format("{}: {}", checked, counted(report.problems_total, "problem", "problems")));
  }
}

// The store by itself: hashes, frames, rows. The exit status.
Result<int> verify_local(Context& context, const OpenAccount& open) {
  ProgressBoard board(context.around().err, context.around().clock, !context.globals().quiet && !context.json());
  const size_t line = board.add(open.account->name);
  auto report = open.store->verify(
      [&](const store::Progress& p) {
        board.update(line, {.done = p.done, .total = p.total, .bytes = p.octets, .bytes_total = p.octets_total});
      },
      context.stop());
  board.remove(line);
  TB_TRY(with_way_out(report, open.account->name));
  const size_t shown = context.json() ? report->problems.size() : std::min(report->problems.size(), kProblemsShown);
  for (size_t i = 0; i < shown; ++i) print_problem(context, report->problems[i]);
  if (!context.json() && report->problems_total > shown) {
    context.out().line(say("… and {} more; twinbox verify {} --json names each",
                           libsync::with_separators(report->problems_total - shown), open.account->name));
  }
  print_summary(context, open, *report);
  context.out().flush();  // what is said of it stands below
  if (report->index_damaged()) {
    context.note(say("to mend it: twinbox verify {0} --rebuild, then twinbox sync {0} fetches again what is damaged",
                     open.account->name));
  } else if (!report->ok()) {
    context.note(
        say("to mend it: twinbox sync {} fetches again what is damaged and still on the server", open.account->name));
  }
  return report->ok() ? 0 : exit_status(Errc::Corrupt);
}

std::string_view kind_name(sync::DifferenceKind kind) {  // stable, for scripts
  switch (kind) {
    case sync::DifferenceKind::MailboxNotHere:
      return "folder-not-here";
    case sync::DifferenceKind::NotHere:
      return "not-here";
    case sync::DifferenceKind::NotThere:
      return "not-there";
    case sync::DifferenceKind::Size:
      return "size";
    case sync::DifferenceKind::Flags:
      return "flags";
    case sync::DifferenceKind::Unreadable:
      return "unreadable";
  }
  return "unknown";
}

void print_comparison(Context& context, const OpenAccount& open, const sync::ComparisonReport& report) {
  for (const auto& difference : report.differences) {
    if (context.json()) {
      context.out().json(JsonObject{
          {"difference", kind_name(difference.kind)}, {"where", difference.where}, {"what", difference.text}});
    } else {
      context.out().line(difference.where + ": " + difference.text);
    }
  }
  context.out().flush();
  for (const auto& mailbox : report.incomplete) {
    context.note(say("{}: the server counts other messages than it lists", mailbox));
  }
  if (context.json()) {
    context.out().json(JsonObject{{"account", open.account->name},
                                  {"ok", report.differences_total == 0},
                                  {"remote_messages", report.messages},
                                  {"remote_folders", report.mailboxes},
                                  {"differences", report.differences_total}});
    return;
  }
  const std::string compared =
      say("{}  {} in {} on the server", open.account->name, counted(report.messages, "message", "messages"),
          counted(report.mailboxes, "folder", "folders"));
  if (report.differences_total == 0) {
    context.out().line(say("{}: what is there is here", compared));
    return;
  }
  std::string text = fmt::format("{}: {}", compared, counted(report.differences_total, "difference", "differences"));
  if (report.settled_by_sync == report.differences_total) {
    text += say("; twinbox sync {} settles that", open.account->name);
  } else if (report.settled_by_sync > 0) {
    text += say("; twinbox sync {} settles {} of them", open.account->name,
                libsync::with_separators(report.settled_by_sync));
  }
  if (report.will_be_held > 0) {
    text += say("; {} gone at once: the next sync holds that back and asks",
                counted(report.will_be_held, "message is", "messages are"));
  }
  if (report.held > 0) {
    text +=
        say("; {}: twinbox status {} says what settles that", counted(report.held, "held", "held"), open.account->name);
  }
  context.out().line(text);
}

// Nothing was asked of the server that could take effect only now.
class NothingMarked final : public sync::ActionSink {
 public:
  Status done(uint64_t, const sync::Outcome&) override { return {}; }
  Status durable() override { return {}; }
};

// Against what the server lists. The exit status: 3 when something differs, which is no damage.
Result<int> verify_remote(Context& context, const OpenAccount& open) {
  const auto& account = *open.account;
  TB_ASSIGN(const auto secret, libsync::account::resolve_secret(account, context.around().prompt, context.stop()));
  TracePrinter printer(context.around().err, context.around().clock);
  const auto trace = context.globals().trace ? printer.label({}) : nullptr;
  TB_ASSIGN(const auto remote,
            libsync::account::open_remote(account, secret, {.trace = trace.get(), .clock = &context.around().clock},
                                          context.stop()));
  const auto link = store::open_link(open.store->db());
  const auto policy = sync::mirror_policy(remote->capabilities(), account.leave);
  const libsync::account::FolderMap folders(account);
  const auto report = sync::compare_with_remote(*remote, *link, policy, context.stop(),
                                                [&](const sync::Path& path) { return folders.is_wanted(path); });
  TB_TRY(report);
  // An orderly end (LOGOUT, QUIT); what goes wrong with it changes nothing of what was compared.
  NothingMarked nothing;
  (void)remote->finish(nothing, context.stop());
  print_comparison(context, open, *report);
  return report->differences_total == 0 ? 0 : exit_status(Errc::Refused);
}

// An index that is whole knows more than a rebuilt one: folders and flags until the next sync, and for good
// what was removed and when.
Status refuse_what_is_whole(Context& context, const libsync::account::Account& account) {
  const auto open = open_account(context, account, store::StoreMode::ReadOnly);
  if (!open) {
    const Errc code = open.error().code;
    return code == Errc::Corrupt || code == Errc::NotFound ? Status{} : fail(open.error());
  }
  const auto report = open->store->verify({}, context.stop());
  if (!report) return report.error().code == Errc::Corrupt ? Status{} : fail(report.error());
  if (!report->ok()) return {};
  return fail(Error{
      .code = Errc::Usage,
      .what = say("{}: every octet is as it came and the index is whole; there is nothing to rebuild", account.name),
      .hint = say("--force does it all the same; every id changes, and it is forgotten what was removed when")});
}

JsonList json_list(const std::vector<std::string>& texts) {
  JsonList list;
  for (const auto& text : texts) list.emplace_back(text);
  return list;
}

// What a rebuild could not take in.
void print_lost(Context& context, std::string_view name, const store::RebuildReport& report) {
  for (const auto& segment : report.unreadable) {
    context.out().line(say("{}  nothing in it can be read: {}", name, libsync::printable(segment, 1000)));
  }
  if (!report.unreadable.empty()) {
    context.out().line(
        say("{}  what was in it is lost unless the server has it: twinbox sync {} fetches that again", name, name));
  }
  if (report.damaged_frames > 0) {
    context.out().line(say("{}  {} damaged; what was there is fetched again, if the server has it", name,
                           counted(report.damaged_frames, "place is", "places are")));
  }
}

// A new twin.db from the segments; the old one is kept beside it.
Result<int> rebuild(Context& context, std::string_view name, bool force) {
  TB_ASSIGN(const auto* account, context.account(name));
  if (!force) TB_TRY(refuse_what_is_whole(context, *account));
  ProgressBoard board(context.around().err, context.around().clock, !context.globals().quiet && !context.json());
  const size_t line = board.add(account->name);
  TB_ASSIGN(const auto lock, store::lock_store(account->store, std::chrono::milliseconds(0), context.stop()));
  const auto report = store::rebuild_store(
      account->store, *lock, {.clock = &context.around().clock},
      [&](const store::Progress& p) { board.update(line, {.done = p.done, .total = p.total, .bytes = p.octets}); },
      context.stop());
  board.remove(line);
  TB_TRY(report);
  const int status = report->unreadable.empty() ? 0 : exit_status(Errc::Corrupt);
  if (context.json()) {
    context.out().json(JsonObject{{"account", account->name},
                                  {"contents", report->contents},
                                  {"size", report->octets},
                                  {"damaged", report->damaged_frames},
                                  {"unreadable", json_list(report->unreadable)},
                                  {"old_database", report->old_database}});
    return status;
  }
  context.out().line(say("{}  {} found, {}; twinbox sync {} puts back into the folders what the server still has",
                         account->name, counted(report->contents, "message", "messages"),
                         libsync::human_size(report->octets), account->name));
  print_lost(context, account->name, *report);
  context.out().flush();
  if (!report->old_database.empty()) context.note(say("the old index is kept as {}", report->old_database));
  return status;
}

// A comparison lets the next sync look closer at what differs; one of a store that can't be written to does without.
Result<OpenAccount> open_for(Context& context, const Arguments& arguments) {
  if (arguments.has("remote")) {
    auto open = open_account(context, arguments.word(0), store::StoreMode::ReadWrite);
    if (open || (open.error().code != Errc::Disk && open.error().code != Errc::Busy)) return open;
  }
  return open_account(context, arguments.word(0));
}

Result<int> verify(Context& context, const Arguments& arguments) {
  if (arguments.has("rebuild") && arguments.has("remote")) {
    return fail(Error{.code = Errc::Usage,
                      .what = say("--rebuild and --remote exclude each other"),
                      .hint = say("first --rebuild, then a sync, then --remote")});
  }
  if (arguments.has("force") && !arguments.has("rebuild")) return fail(Errc::Usage, say("--force goes with --rebuild"));
  if (arguments.has("rebuild")) return rebuild(context, arguments.word(0), arguments.has("force"));
  TB_ASSIGN(const OpenAccount open, open_for(context, arguments));
  TB_ASSIGN(const int status, verify_local(context, open));
  if (status != 0 || !arguments.has("remote")) return status;
  auto compared = verify_remote(context, open);
  if (!compared) compared.error().what = say("{}: {}", open.account->name, compared.error().what);
  return compared;
}

constexpr Option kOptions[] = {
    {"rebuild", 0, {}, "make a lost or damaged index (twin.db) anew from the stored messages"},
    {"force", 0, {}, "rebuild an index that is whole, too"},
    {"remote", 0, {}, "then compare with what the server lists: which messages, their size, their flags"},
};

}  // namespace

extern const Command kVerify;
const Command kVerify{
    .name = "verify",
    .usage = "ACCOUNT",
    .summary = "check that every stored message is whole",
    .options = kOptions,
    .least_words = 1,
    .most_words = 1,
    .example = "twinbox verify work\ntwinbox verify work --remote",
    .run = verify,
};

}  // namespace twinbox

// twinbox verify: is the local store whole?
#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/progress.h"
#include "tools/twinbox/store_access.h"

namespace twinbox {

namespace store = libsync::store;
using libsync::Errc;
using libsync::Result;
using libsync::say;

namespace {

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
                                  {"text", problem.text},
                                  {"messages", std::move(ids)}});
    return;
  }
  std::string line = libsync::printable(problem.text, 1000);
  if (problem.harmless) line += say(" (harmless)");
  if (!texts.empty()) line += say("; messages {}", fmt::join(texts, ", "));
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
  const std::string checked = say("{}  {} messages, {}", open.account->name, libsync::with_separators(report.messages),
                                  libsync::human_size(report.octets));
  if (report.ok()) {
    context.out().line(say("{}: every octet is as it came", checked));
  } else {
    context.out().line(say("{}: {} problems", checked, libsync::with_separators(report.problems_total)));
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
  TB_TRY(report);
  for (const auto& problem : report->problems) print_problem(context, problem);
  print_summary(context, open, *report);
  return report->ok() ? 0 : exit_status(Errc::Corrupt);
}

Result<int> verify(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const OpenAccount open, open_account(context, arguments.word(0)));
  return verify_local(context, open);
}

}  // namespace

extern const Command kVerify;
const Command kVerify{
    .name = "verify",
    .usage = "ACCOUNT",
    .summary = "check that every stored message is whole",
    .options = {},
    .least_words = 1,
    .most_words = 1,
    .example = "twinbox verify work",
    .run = verify,
};

}  // namespace twinbox

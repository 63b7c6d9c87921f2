// twinbox status: each account's last sync, the next one, what is here, what waits.
#include <algorithm>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/schedule_text.h"
#include "tools/twinbox/store_access.h"
#include "tools/twinbox/waiting.h"

namespace twinbox {

namespace account = libsync::account;
namespace store = libsync::store;
using libsync::Errc;
using libsync::Result;
using libsync::say;
using libsync::Status;
using libsync::word;

namespace {

struct Row {
  const account::Account* account = nullptr;
  std::optional<int64_t> next{};
  bool stored = false;
  uint64_t messages = 0, octets = 0;
  store::Damage damage{};
  std::optional<store::Run> success{}, last{};
  WaitCounts waits{};
  std::optional<libsync::Error> error{};  // the store can't be read
};

Status read_store(store::Store& from, Row& row) {
  TB_ASSIGN(row.waits, count_waiting(*row.account, from));
  TB_ASSIGN(const auto mailboxes, from.mailboxes());
  for (const auto& mailbox : mailboxes) {
    row.messages += mailbox.messages;
    row.octets += mailbox.octets;
  }
  TB_ASSIGN(row.damage, from.damage());
  TB_ASSIGN(row.success, from.last_success());
  TB_ASSIGN(auto runs, from.runs(1));
  if (!runs.empty()) row.last = std::move(runs.front());
  return {};
}

Row read_row(Context& context, const account::Account& which, const account::ScheduleStatus& schedule) {
  Row row{.account = &which};
  const auto& names = schedule.accounts;
  if (names.empty() || std::ranges::find(names, which.name) != names.end()) row.next = schedule.next;
  auto open = open_any_account(context, which, store::StoreMode::ReadOnly);
  if (!open && open.error().code == Errc::NotFound) return row;
  if (!open) {
    row.error = std::move(open).error();
  } else if (auto read = read_store(*open->store, row); !read) {
    row.error = std::move(read).error();
  }
  row.stored = !row.error && (row.success || row.messages > 0);
  return row;
}

bool failed(const Row& row) { return row.error.has_value() || (row.last && !row.last->ok); }

std::string last_text(const Row& row, int64_t now) {
  std::string text = row.success ? relative_time(row.success->finished, now) : std::string(word("never"));
  if (row.error) text = "–";  // not known
  if (failed(row)) text += "  ✗";
  return text;
}

// Something that is open: what it is and what settles it.
struct Open {
  const char* name;  // stable, for scripts
  std::string text;  // "150 held"
  std::string why;
  std::string settle;         // the command
  std::string and_then = {};  // what else to say of it
};

std::vector<Open> open_matters(const Row& row) {
  std::vector<Open> out;
  const std::string& name = row.account->name;
  if (row.damage.waiting > 0) {
    out.push_back({"damaged", counted(row.damage.waiting, "damaged", "damaged"),
                   say("not whole here any more, fetched again if the server has it"), say("twinbox sync {}", name)});
  }
  if (row.damage.lost > 0) {
    out.push_back({"lost", counted(row.damage.lost, "lost", "lost"),
                   say("not whole here any more, and no longer on the server"), say("twinbox verify {}", name),
                   std::string(word("names them"))});
  }
  const WaitCounts& waits = row.waits;
  // One number lets both through: sync --allow-deletes counts them together.
  const std::string accept = say("twinbox sync {} --allow-deletes {}", name, waits.held() + waits.suspect);
  const std::string look = say("twinbox settle {} names them, and takes other answers", name);
  if (waits.held() > 0) {
    const std::string why = waits.held_there == 0  ? say("gone on the server, kept here")
                            : waits.held_here == 0 ? say("removed here, kept on the server")
                                                   : say("gone on one side, kept on the other");
    out.push_back({"held", counted(waits.held(), "held", "held"), why, accept, look});
  }
  if (waits.suspect > 0) {
    out.push_back({"suspect", counted(waits.suspect, "suspect", "suspect"),
                   say("not found again on the server, kept here"), accept, look});
  }
  if (waits.refused > 0) {
    out.push_back({"refused", counted(waits.refused, "refused", "refused"),
                   say("a change was refused, and is asked for again when the message changes"),
                   say("twinbox settle {} refused restore", name),
                   say("asks again now; twinbox settle {} takes other answers", name)});
  }
  if (waits.changes > 0) {
    out.push_back({"changes", counted(waits.changes, "change to send", "changes to send"),
                   say("made here, not on the server yet"), say("twinbox sync {}", name)});
  }
  if (!row.last) return out;
  const store::Run& run = *row.last;
  if (run.doubtful > 0) {
    out.push_back({"doubtful", counted(run.doubtful, "folder doubtful", "folders doubtful"),
                   say("the server counts other messages than it lists"), say("twinbox sync {}", name)});
  }
  if (run.skipped > 0) {
    out.push_back({"skipped", counted(run.skipped, "skipped", "skipped"), say("tried again at the next sync"),
                   say("twinbox sync {}", name)});
  }
  return out;
}

// Why the account is not well: its store can't be read, or its last sync failed.
std::optional<libsync::Error> error_of(const Row& row) {
  if (row.error) return row.error;
  if (row.last && !row.last->ok) return row.last->error;
  return std::nullopt;
}

// Without its hint, which stands below the table.
std::string short_text(const libsync::Error& error) {
  const std::string server = error.server.empty() ? std::string() : ": \"" + error.server + "\"";
  return libsync::printable(error.what + server, 300);
}

// "2 held, 1 skipped", or the error, or "–".
std::string waiting_text(const Row& row) {
  std::vector<std::string> parts;
  for (const Open& matter : open_matters(row)) parts.push_back(matter.text);
  std::string text = parts.empty() ? "–" : fmt::format("{}", fmt::join(parts, ", "));
  if (row.error) return short_text(*row.error);
  if (const auto error = error_of(row)) text += " : " + short_text(*error);
  return text;
}

// In the server's words; the first of them.
void print_refusals(Output& out, const Row& row) {
  for (const libsync::sync::Row& each : row.waits.refusals) {
    out.line(say("{}: message {}: {}", row.account->name, message_of(each), matter_text(each, Matter::Refused)));
  }
}

// Below the table: what settles what is open, and what to do about an error, in full.
void print_matters(Output& out, const Row& row) {
  const std::string& name = row.account->name;
  for (const Open& matter : open_matters(row)) {
    std::string line = say("{}: {}: {}: {}", name, matter.text, matter.why, matter.settle);
    if (!matter.and_then.empty()) line += say(" ({})", matter.and_then);
    out.line(line);
    if (std::string_view(matter.name) == "refused") print_refusals(out, row);
  }
  if (const auto error = error_of(row); error && !error->hint.empty()) {
    out.line(say("{}: {}", name, libsync::printable(error->hint, 300)));
  }
}

std::vector<std::string> cells(const Row& row, int64_t now) {
  const std::string local =
      row.stored ? say("{} {}", counted(row.messages, "msg", "msgs"), libsync::human_size(row.octets)) : "–";
  return {row.account->name,
          std::string(account::protocol_name(row.account->remote.protocol)),
          last_text(row, now),
          row.next ? relative_time(*row.next, now) : "–",
          local,
          waiting_text(row)};
}

Json time_json(int64_t seconds) { return seconds > 0 ? Json(iso_time(seconds)) : Json(); }

Json to_json(const Row& row) {
  JsonObject out = {{"account", row.account->name},
                    {"protocol", account::protocol_name(row.account->remote.protocol)},
                    {"last_success", row.success ? time_json(row.success->finished) : Json()},
                    {"next", row.next ? time_json(*row.next) : Json()},
                    {"stored", row.stored},
                    {"messages", row.messages},
                    {"size", row.octets},
                    {"damaged", row.damage.waiting},
                    {"lost", row.damage.lost},
                    {"held", row.waits.held()},
                    {"suspect", row.waits.suspect},
                    {"doubtful", row.last ? row.last->doubtful : 0},
                    {"refused", row.waits.refused},
                    {"changes", row.waits.changes},
                    {"unlinked", row.waits.unlinked},
                    {"skipped", row.last ? row.last->skipped : 0}};
  JsonObject settle;
  for (const Open& matter : open_matters(row)) settle.emplace_back(matter.name, matter.settle);
  if (!settle.empty()) out.emplace_back("settle", std::move(settle));
  if (row.last) {
    out.emplace_back("last_run", JsonObject{{"started", time_json(row.last->started)},
                                            {"finished", time_json(row.last->finished)},
                                            {"ok", row.last->ok},
                                            {"added", row.last->added},
                                            {"size", row.last->octets},
                                            {"flags_changed", row.last->flags},
                                            {"moved", row.last->moved},
                                            {"removed", row.last->removed},
                                            {"bytes_in", row.last->bytes_in},
                                            {"bytes_out", row.last->bytes_out},
                                            {"round_trips", row.last->round_trips}});
  }
  if (const auto error = error_of(row)) out.emplace_back("error", error_body(*error));
  return out;
}

// `status` tells what is: that a sync failed in the past or left something open is no failure of this command; a
// store that can't be read is one.
Result<int> status(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const auto accounts, context.accounts(arguments.words()));
  auto scheduler = make_scheduler(context);
  const auto schedule = scheduler.status();
  std::vector<std::vector<std::string>> lines;
  std::vector<Row> rows;
  std::vector<int> statuses;
  for (const account::Account* which : accounts) {
    Row row = read_row(context, *which, schedule.value_or(account::ScheduleStatus{}));
    statuses.push_back(row.error ? exit_status(*row.error) : 0);
    if (context.json()) {
      context.out().json(to_json(row));
    } else {
      lines.push_back(cells(row, context.now()));
      rows.push_back(std::move(row));
    }
  }
  if (context.json()) return combined_status(statuses);
  print_table(context.out(),
              {{.title = std::string(word("account"))},
               {.title = std::string(word("protocol")), .drop = 1},
               {.title = std::string(word("last success"))},
               {.title = std::string(word("next")), .drop = 2},
               {.title = std::string(word("local")), .drop = 3},
               {.title = std::string(word("waiting")), .flexible = true}},
              lines);
  for (const Row& row : rows) print_matters(context.out(), row);
  return combined_status(statuses);
}

}  // namespace

extern const Command kStatus;
const Command kStatus{
    .name = "status",
    .usage = "[ACCOUNT…]",
    .summary = "say when each account was synced, what is here, what waits",
    .options = {},
    .least_words = 0,
    .most_words = kAnyNumber,
    .example = "twinbox status\ntwinbox status --json",
    .run = status,
};

}  // namespace twinbox

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "libsync/account/remote.h"
#include "libsync/account/secrets.h"
#include "libsync/account/sync_account.h"
#include "libsync/base/text.h"
#include "libsync/base/words.h"
#include "libsync/net/host_limit.h"

#include "tools/twinbox/command.h"
#include "tools/twinbox/context.h"
#include "tools/twinbox/progress.h"
#include "tools/twinbox/store_access.h"
#include "tools/twinbox/trace_printer.h"

namespace twinbox {
namespace {

using libsync::Error;
using libsync::say;
using libsync::with_separators;
using libsync::word;
using libsync::account::Account;
using libsync::account::SyncResult;

// A second sync of the same store waits this long for the first: a timer and a person met.
constexpr std::chrono::seconds kDefaultLockWait{10};

// Several accounts at one provider: Yahoo closes the door on the sixth connection from one address, others
// on fewer, and a person's own mail program wants a place too.
constexpr size_t kConnectionsPerHost = 3;

constexpr uint64_t kMostDeletes = 1'000'000'000;  // as fuse.count in the configuration

// What happens to one account, shown as it goes.
class Watcher final : public libsync::account::AccountObserver {
 public:
  Watcher(ProgressBoard& board, std::string label) : board_(board), line_(board.add(std::move(label))) {}
  ~Watcher() override { board_.remove(line_); }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void connecting() override { show(word("connecting")); }
  void looking() override { show(word("looking")); }
  void planned(uint64_t messages, uint64_t octets) override {
    value_ = {.total = messages, .bytes_total = octets};
    board_.update(line_, value_);
  }
  void carried(uint64_t messages, uint64_t octets) override {
    value_.done += messages;
    value_.bytes += octets;
    board_.update(line_, value_);
  }
  void indexing(uint64_t done, uint64_t total) override {
    board_.update(line_, {.done = done, .total = total, .what = word("indexing")});
  }
  void action(const std::string& text) override { actions.push_back(text); }
  void alert(std::string_view text) override { alerts.emplace_back(text); }

  std::vector<std::string> actions, alerts;

 private:
  void show(std::string_view what) { board_.update(line_, {.what = what}); }
  ProgressBoard& board_;
  size_t line_;
  ProgressValue value_;
};

// One account's question at a time, on a terminal that nothing else writes to meanwhile. Only the question
// waits: accounts whose password comes from elsewhere go on.
class OneQuestion final : public libsync::account::Prompt {
 public:
  OneQuestion(libsync::account::Prompt& inner, ProgressBoard& board) : inner_(inner), board_(board) {}

  bool available() const override { return inner_.available(); }
  libsync::Result<libsync::Secret> ask(std::string_view question, std::stop_token stop) override {
    const std::scoped_lock lock(mutex_);
    if (stop.stop_requested()) return libsync::fail(libsync::Errc::Cancelled, say("stopped"));
    board_.pause();
    auto answer = inner_.ask(question, std::move(stop));
    board_.resume();
    return answer;
  }

 private:
  libsync::account::Prompt& inner_;
  ProgressBoard& board_;
  std::mutex mutex_;
};

// What was done on the server: "2 new, 1 moved"; empty when there is nothing.
std::string summary(const libsync::sync::SideCounts& sent) {
  std::vector<std::string> parts;
  if (sent.added > 0) parts.push_back(counted(sent.added, "new", "new"));
  if (sent.flags > 0) parts.push_back(counted(sent.flags, "flag change", "flag changes"));
  if (sent.moved > 0) parts.push_back(counted(sent.moved, "moved", "moved"));
  if (sent.removed > 0) parts.push_back(counted(sent.removed, "removed", "removed"));
  return fmt::format("{}", fmt::join(parts, ", "));
}

// "3,212 new, 14 flags, 2 moved, 1 skipped"; empty when there is nothing.
std::string summary(const SyncResult& result) {
  const auto& report = result.report;
  std::vector<std::string> parts;
  const auto add = [&](uint64_t n, std::string_view one, std::string_view many) {
    if (n > 0) parts.push_back(counted(n, one, many));
  };
  const uint64_t put_back = std::min(result.put_back, report.added);
  add(report.added - put_back, "new", "new");
  add(put_back, "put back", "put back");
  add(report.flags, "flag change", "flag changes");
  add(report.moved, "moved", "moved");
  add(report.removed, "removed here", "removed here");
  add(report.left, "removed on the server", "removed on the server");
  add(report.mended, "damaged read again", "damaged read again");
  add(report.boxes_created, "folder made", "folders made");
  add(report.boxes_renamed, "folder renamed", "folders renamed");
  add(report.boxes_deleted, "folder deleted", "folders deleted");
  add(report.boxes_subscribed, "subscription changed", "subscriptions changed");
  if (const std::string sent = summary(report.sent); !sent.empty()) parts.push_back(say("on the server: {}", sent));
  add(report.skipped.size(), "skipped", "skipped");
  return fmt::format("{}", fmt::join(parts, ", "));
}

// -v: "INBOX  12 new, 3 gone, 3,412 messages", moves counted on both sides.
std::vector<std::string> folder_lines(const SyncResult& result) {
  std::vector<std::string> out;
  for (const auto& folder : result.folders) {
    std::string line = libsync::printable(folder_name(folder.path), 200) + "  ";
    if (folder.added > 0) line += counted(folder.added, "new", "new") + ", ";
    if (folder.gone > 0) line += counted(folder.gone, "gone", "gone") + ", ";
    out.push_back(line + counted(folder.messages, "message", "messages"));
  }
  return out;
}

std::string cost_line(const libsync::sync::ReplicaCost& cost) {
  return say("{} received, {} sent, {}", libsync::human_size(cost.bytes_in), libsync::human_size(cost.bytes_out),
             counted(cost.round_trips, "round trip", "round trips"));
}

std::string held_text(const libsync::sync::Held& held, const std::string& which) {
  const bool one = held.removals == 1;
  if (held.sent == 0) {
    return one ? say("{} is gone on the server; nothing was removed here", which)
               : say("{} are gone on the server; nothing was removed here", which);
  }
  if (held.sent == held.removals) {
    return one ? say("{} was removed here; nothing was removed on the server", which)
               : say("{} were removed here; nothing was removed on the server", which);
  }
  return say("{} are gone on the server or were removed here; nothing was removed on the other side", which);
}

uint64_t held_in(const libsync::sync::SyncReport& report) {
  uint64_t held = 0;
  for (const auto& each : report.held) held += each.removals;
  return held;
}

std::string rebuilt_text(const libsync::store::RebuildReport& report) {
  const std::string messages = counted(report.contents, "stored message", "stored messages");
  std::string text =
      report.old_database.empty()
          ? say("its index was lost and was made anew from {}", messages)
          : say("nothing could be read of its index; it was made anew from {}, the old one is kept as {}", messages,
                report.old_database);
  for (const auto& segment : report.unreadable) {
    text += say("; nothing in this can be read: {}", libsync::printable(segment, 1000));
  }
  return text;
}

// The mirror is whole all the same.
Error not_indexed(Error error) {
  error.what = say("not all is searchable yet: {}", error.what);
  if (error.hint.empty()) error.hint = std::string(word("the mail is here; the next search or sync goes on with it"));
  return error;
}

Json to_json(const Account& account, const SyncResult& result, const std::vector<std::string>& actions,
             const std::vector<std::string>& alerts, bool dry_run) {
  const auto& report = result.report;
  JsonList skipped;
  for (const auto& each : report.skipped) skipped.push_back(JsonObject{{"where", each.where}, {"why", each.why}});
  JsonList held;
  for (const auto& each : report.held) {
    held.push_back(JsonObject{{"folder", each.mailbox},
                              {"removals", each.removals},
                              {"removals_here", each.sent},
                              {"messages", each.messages}});
  }
  JsonList folders;
  for (const auto& each : result.folders) {
    folders.push_back(JsonObject{
        {"folder", folder_name(each.path)}, {"added", each.added}, {"gone", each.gone}, {"messages", each.messages}});
  }
  JsonObject out{{"account", account.name},
                 {"ok", result.status.has_value()},
                 {"added", report.added},
                 {"size", report.octets},
                 {"reused", report.reused},
                 {"put_back", result.put_back},
                 {"recovered", result.recovered},
                 {"index_rebuilt", result.rebuilt.has_value()},
                 {"flags_changed", report.flags},
                 {"moved", report.moved},
                 {"removed", report.removed},
                 {"removed_on_server", report.left + report.sent.removed},
                 {"sent", report.sent.added},
                 {"sent_size", report.sent.octets},
                 {"copied_on_server", report.sent.copied},
                 {"flags_changed_on_server", report.sent.flags},
                 {"moved_on_server", report.sent.moved},
                 {"mended", report.mended},
                 {"lost", report.lost},
                 {"folders_created", report.boxes_created},
                 {"folders_renamed", report.boxes_renamed},
                 {"folders_deleted", report.boxes_deleted},
                 {"subscriptions_changed", report.boxes_subscribed},
                 {"folders", std::move(folders)},
                 {"skipped", report.skipped.size()},
                 {"skipped_messages", std::move(skipped)},
                 {"held", held_in(report)},
                 {"held_folders", std::move(held)},
                 {"suspect", report.suspect},
                 {"doubtful", report.doubtful.size()},
                 {"doubtful_folders", report.doubtful},
                 {"seconds", static_cast<double>(result.took.count()) / 1000}};
  if (const auto& cost = result.cost) {
    out.emplace_back("bytes_in", cost->bytes_in);
    out.emplace_back("bytes_out", cost->bytes_out);
    out.emplace_back("round_trips", cost->round_trips);
  }
  out.emplace_back("dry_run", dry_run);
  if (dry_run) out.emplace_back("actions", actions);
  if (!alerts.empty()) out.emplace_back("alerts", alerts);
  if (!result.status) out.emplace_back("error", error_body(result.status.error()));
  if (!result.indexed) out.emplace_back("error", error_body(not_indexed(result.indexed.error())));
  return out;
}

class SyncCommand {
 public:
  SyncCommand(Context& context, const Arguments& arguments)
      : context_(context),
        dry_run_(arguments.has("dry-run")),
        board_(context.around().err, context.around().clock,
               !context.globals().quiet && !context.json() && !context.globals().trace),
        prompt_(context.around().prompt, board_),
        trace_(context.around().err, context.around().clock, &board_) {
    context_.share(&board_);
  }
  ~SyncCommand() { context_.share(nullptr); }
  SyncCommand(const SyncCommand&) = delete;
  SyncCommand& operator=(const SyncCommand&) = delete;

  libsync::Result<int> run(const Arguments& arguments) {
    TB_ASSIGN(accounts_, context_.accounts(arguments.words()));
    TB_ASSIGN(const auto jobs, arguments.number("jobs", 1, libsync::account::kMaxJobs));
    TB_ASSIGN(const auto allow, arguments.number("allow-deletes", 0, kMostDeletes));
    TB_ASSIGN(const auto wait, arguments.number("wait", 0, 86400));
    TB_ASSIGN(const auto* config, context_.config());
    settings_ = {.dry_run = dry_run_,
                 .scheduled = context_.globals().quiet,
                 .allow_deletes = allow.value_or(0),
                 .lock_wait = wait ? std::chrono::seconds(*wait) : kDefaultLockWait};
    for (const Account* account : accounts_)
      label_width_ = std::max(label_width_, libsync::display_width(account->name));
    work(std::min<size_t>(jobs.value_or(config->jobs), accounts_.size()));
    return overall_status();
  }

 private:
  void work(size_t threads) {
    std::atomic<size_t> next = 0;
    const auto worker = [&] {
      for (size_t i = next++; i < accounts_.size(); i = next++) sync_one(*accounts_[i]);
    };
    std::vector<std::jthread> pool;
    for (size_t i = 1; i < threads; ++i) pool.emplace_back(worker);
    worker();
  }

  void sync_one(const Account& account) {
    TraceNotes notes;
    const auto printed =
        context_.globals().trace ? trace_.label(accounts_.size() > 1 ? account.name : std::string()) : nullptr;
    libsync::Trace* const trace = printed ? printed.get() : context_.globals().verbose ? &notes : nullptr;
    const auto secret = [&] { return libsync::account::resolve_secret(account, prompt_, context_.stop()); };
    const libsync::account::RemoteOptions remote{.trace = trace, .clock = &context_.around().clock};
    SyncResult result;
    std::vector<std::string> actions, alerts;
    {
      Watcher watcher(board_, libsync::printable(account.name));
      // No deadline: the accounts before this one each have theirs.
      const auto place = hosts_.acquire(account.remote.host, libsync::Deadline::max(), context_.stop());
      result = libsync::account::sync_account(account, secret, remote, settings_, watcher, context_.around().clock,
                                              context_.stop());
      result.status = with_way_out(std::move(result.status), account.name);
      actions = std::move(watcher.actions);
      alerts = std::move(watcher.alerts);
    }
    const std::scoped_lock lock(mutex_);
    note_status(result);
    if (context_.json()) {
      context_.out().json(to_json(account, result, actions, alerts, dry_run_));
    } else {
      tell(account, result, actions, notes.lines());
      tell_alerts(result, alerts);
    }
    context_.out().flush();
  }

  void note_status(const SyncResult& result) {
    int status = result.status ? 0 : libsync::exit_status(result.status.error());
    if (status == 2) status = 3;  // 2 is for the words of the command line; here an account failed
    if (status == 0 && !result.indexed) status = libsync::exit_status(result.indexed.error().code);
    if (status == 0 && (!result.report.held.empty() || result.report.suspect > 0)) {
      status = libsync::exit_status(libsync::Errc::Fuse);
    }
    statuses_.push_back(status);
  }

  // One status for all accounts where they agree; 3, some accounts failed, where they don't. What the
  // fuse holds is told only when nothing failed.
  int overall_status() const {
    const int stopped = libsync::exit_status(libsync::Errc::Cancelled);
    if (std::ranges::find(statuses_, stopped) != statuses_.end()) return stopped;
    const int fuse = libsync::exit_status(libsync::Errc::Fuse);
    std::vector<int> failures = statuses_;
    std::ranges::replace(failures, fuse, 0);
    const int failed = combined_status(failures);
    return failed == 0 && std::ranges::find(statuses_, fuse) != statuses_.end() ? fuse : failed;
  }

  void tell(const Account& account, const SyncResult& result, const std::vector<std::string>& actions,
            const std::vector<std::string>& tried) {
    const std::string label = pad(libsync::printable(account.name), label_width_) + "  ";
    const std::string indent(label_width_ + 2, ' ');
    if (result.rebuilt) context_.note(label + rebuilt_text(*result.rebuilt));
    for (const std::string& action : actions) context_.out().line(label + action);
    if (!result.status) {
      context_.out().flush();
      return context_.report(result.status.error(), account.name, tried);
    }
    const auto& report = result.report;
    if (!context_.globals().quiet) tell_summary(result, label);
    if (context_.globals().verbose) tell_details(result, indent);
    if (result.recovered > 0) {
      const std::string messages =
          counted(result.recovered, "message that is only here is", "messages that are only here are");
      context_.out().line(indent + say("{} in the folder Recovered", messages));
    }
    if (report.lost > 0) {
      const std::string messages = counted(report.lost, "damaged message is", "damaged messages are");
      context_.out().line(indent +
                          say("{} no longer on the server (twinbox verify {} names them)", messages, account.name));
    }
    tell_skipped(report, indent);
    context_.out().flush();
    tell_held(account, report);
    if (!result.indexed) context_.report(not_indexed(result.indexed.error()), account.name, {});
  }

  void tell_summary(const SyncResult& result, const std::string& label) {
    const auto& report = result.report;
    const std::string text = summary(result);
    if (dry_run_) {
      const bool held = !report.held.empty() || report.suspect > 0;
      const std::string_view nothing = held ? word("nothing else to do") : word("nothing to do");
      context_.out().line(label +
                          (text.empty() ? std::string(nothing) : say("would be: {}; nothing was changed", text)));
      return;
    }
    const bool in_log = !context_.out().terminal();
    if (report.nothing_new() && report.skipped.empty() && in_log && !context_.globals().verbose) return;
    // The times stand below each other, as far as the window has room for that.
    constexpr size_t kSummary = 44, kTook = 7;
    const size_t others = label_width_ + 2 + 2 + kTook;
    const size_t room = context_.out().columns() > others ? context_.out().columns() - others : 0;
    const size_t width = context_.out().terminal() ? std::min(kSummary, room) : kSummary;
    context_.out().line(label + pad(text.empty() ? word("nothing new") : std::string_view(text), width) + "  " +
                        pad(libsync::human_duration(result.took), kTook, true));
  }

  void tell_details(const SyncResult& result, const std::string& indent) {
    for (const std::string& line : folder_lines(result)) context_.out().line(indent + line);
    if (result.cost) context_.out().line(indent + cost_line(*result.cost));
  }

  // A refused login often says the same: its error has it then.
  void tell_alerts(const SyncResult& result, const std::vector<std::string>& alerts) {
    const std::string indent(label_width_ + 2, ' ');
    for (const std::string& alert : alerts) {
      if (!result.status && result.status.error().server.find(alert) != std::string::npos) continue;
      context_.out().line(indent + say("the server says: {}", alert));
    }
  }

  void tell_skipped(const libsync::sync::SyncReport& report, const std::string& indent) {
    constexpr size_t kShown = 10;
    const size_t shown = context_.globals().verbose ? report.skipped.size() : std::min(kShown, report.skipped.size());
    for (size_t i = 0; i < shown; ++i) {
      context_.out().line(
          indent + say("skipped {}: {} (tried again next time)", report.skipped[i].where, report.skipped[i].why));
    }
    if (report.skipped.size() > shown) {
      context_.out().line(indent +
                          say("and {} more (all of them: -v)", with_separators(report.skipped.size() - shown)));
    }
    for (const auto& mailbox : report.doubtful) {
      context_.out().line(
          indent +
          say("{}: the server counts other messages than it lists; nothing was removed, looked at again next time",
              mailbox));
    }
  }

  void tell_held(const Account& account, const libsync::sync::SyncReport& report) {
    for (const auto& held : report.held) {
      const std::string which = say("{} of {} in {}", with_separators(held.removals),
                                    counted(held.messages, "message", "messages"), held.mailbox);
      context_.report({.code = libsync::Errc::Fuse,
                       .what = held_text(held, which),
                       .hint = say("look: twinbox sync {0} --dry-run    accept: twinbox sync {0} --allow-deletes {1}"
                                   "    or: twinbox settle {0}",
                                   account.name, held_in(report) + report.suspect)},
                      account.name);
    }
    if (report.suspect > 0) {
      context_.report({.code = libsync::Errc::Fuse,
                       .what = say("{} lost on the server (it numbered its mail anew) and not found again; "
                                   "nothing was removed here",
                                   counted(report.suspect, "message is", "messages are")),
                       .hint = say("accept that they are gone: twinbox sync {} --allow-deletes {}", account.name,
                                   held_in(report) + report.suspect)},
                      account.name);
    }
  }

  Context& context_;
  const bool dry_run_;
  ProgressBoard board_;
  OneQuestion prompt_;
  TracePrinter trace_;
  std::vector<const Account*> accounts_;
  libsync::account::SyncSettings settings_;
  size_t label_width_ = 0;
  libsync::net::HostLimit hosts_{kConnectionsPerHost};
  std::mutex mutex_;
  std::vector<int> statuses_;
};

libsync::Result<int> run(Context& context, const Arguments& arguments) {
  return SyncCommand(context, arguments).run(arguments);
}

constexpr Option kOptions[] = {
    {"dry-run", 'n', {}, "tell what would be done, with the reason, and change nothing"},
    {"jobs", 'j', "N", "accounts synced at the same time"},
    {"allow-deletes", 0, "N", "let up to N removals through that the deletion fuse holds"},
    {"wait", 0, "SECONDS", "how long to wait while another sync has the store (10)"},
};

}  // namespace

extern const Command kSync;
const Command kSync = {
    .name = "sync",
    .usage = "[ACCOUNT…]",
    .summary = "bring the local store up to date with the server; two-way accounts: each with the other",
    .options = kOptions,
    .least_words = 0,
    .most_words = kAnyNumber,
    .example = "twinbox sync\ntwinbox sync work --dry-run",
    .run = run,
};

}  // namespace twinbox

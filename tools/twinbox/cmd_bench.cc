// twinbox bench: how fast the parts of the library are here, with this mail.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <system_error>

#include <fmt/format.h>

#include "libsync/base/text.h"
#include "libsync/base/words.h"

#include "tools/twinbox/bench_result.h"
#include "tools/twinbox/command.h"
#include "tools/twinbox/progress.h"
#include "tools/twinbox/store_access.h"

namespace twinbox {

using libsync::Errc;
using libsync::Error;
using libsync::fail;
using libsync::Result;
using libsync::say;
using libsync::Status;
using libsync::word;

namespace {

constexpr size_t kRepetitions = 5;
constexpr uint64_t kMaxRepetitions = 100;
constexpr uint64_t kMaxOldFile = 16 << 20;  // some thousand runs
constexpr size_t kMaxPattern = 200;         // a deep one takes the stack

constexpr std::array<Option, 4> kOptions = {{
    {"corpus", 0, "PATH", "measure with this mail: an mbox file, a Maildir, a folder of .eml files, a message"},
    {"only", 0, "REGEX", "only what has it in its name: \"imap\", \"^store-\""},
    {"repetitions", 0, "N", "how often each is measured; 5 if not given"},
    {"compare", 0, "FILE", "say what changed since bench --json wrote this file"},
}};

// A folder for stores that goes with the command.
class WorkFolder {
 public:
  static Result<WorkFolder> make(const libsync::account::Environment& environment) {
    const auto wish = environment("TMPDIR");
    const std::string parent = wish && !wish->empty() ? *wish : "/tmp";
    std::string path = parent + "/twinbox-bench.XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) {
      const auto why = std::error_code(errno, std::generic_category());
      return fail(Error{.code = Errc::Disk,
                        .what = say("{}: {}", libsync::printable(parent), why.message()),
                        .hint = say("TMPDIR names the folder in which stores are made to measure with")});
    }
    return WorkFolder(std::move(path));
  }
  WorkFolder(WorkFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  explicit WorkFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Result<std::vector<const BenchPart*>> chosen(const std::string& pattern) {
  std::vector<const BenchPart*> out;
  std::vector<std::string_view> names;
  try {
    if (pattern.size() > kMaxPattern) throw std::regex_error(std::regex_constants::error_complexity);
    const std::regex wanted(pattern);
    for (const BenchPart* part : bench_parts()) {
      names.push_back(part->name);
      if (std::regex_search(part->name.begin(), part->name.end(), wanted)) out.push_back(part);
    }
  } catch (const std::regex_error&) {
    return fail(Errc::Usage, say("--only: \"{}\" is no regular expression", libsync::printable(pattern, 60)));
  }
  if (!out.empty()) return out;
  return fail(Error{.code = Errc::Usage,
                    .what = say("--only: nothing has \"{}\" in its name", libsync::printable(pattern, 60)),
                    .hint = say("there are: {}", fmt::join(names, ", "))});
}

// What --compare names; nothing without it.
Result<std::vector<BenchResult>> old_results(Context& context, const Arguments& arguments) {
  if (!arguments.has("compare")) return std::vector<BenchResult>{};
  const std::string& path = arguments.value("compare");
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return fail(Errc::Usage, say("{}: no file", libsync::printable(path)));
  }
  TB_ASSIGN(const std::string text, libsync::read_file(context.around().fs, path, kMaxOldFile));
  return read_bench(text, libsync::printable(path));
}

Result<Corpus> corpus_of(Context& context, const Arguments& arguments) {
  if (arguments.has("corpus") && !arguments.words().empty()) {
    return fail(Errc::Usage, say("--corpus and an account exclude each other"));
  }
  const CorpusLimits limits;
  if (arguments.has("corpus")) {
    if (arguments.value("corpus").empty()) return fail(Errc::Usage, say("--corpus is empty"));
    return read_corpus(context.around().fs, arguments.value("corpus"), limits, context.stop());
  }
  if (arguments.words().empty()) return made_corpus();
  TB_ASSIGN(const OpenAccount open, open_account(context, arguments.word(0)));
  return with_way_out(store_corpus(*open.store, open.account->name, limits, context.stop()), open.account->name);
}

// "24.1 ms", "1.23 s"
std::string time_text(double seconds) {
  const auto three = [](double value) { return fmt::format("{:.{}f}", value, value < 10 ? 2 : value < 100 ? 1 : 0); };
  if (seconds >= 1) return three(seconds) + " s";
  return seconds >= 1e-3 ? three(seconds * 1e3) + " ms" : three(seconds * 1e6) + " µs";
}

// Nothing a second where the clock saw no time pass.
std::string per_second(double amount, double seconds) {
  return seconds > 0 ? libsync::with_separators(static_cast<uint64_t>(std::llround(amount / seconds))) : "–";
}

std::string_view verdict_text(Verdict verdict) {
  switch (verdict) {
    case Verdict::Faster:
      return word("faster");
    case Verdict::Slower:
      return word("slower");
    case Verdict::WaitsLess:
      return word("the same CPU time, waits less");
    case Verdict::WaitsLonger:
      return word("the same CPU time, waits longer");
    case Verdict::Noise:
      return word("within the noise");
    case Verdict::TooFew:
      return word("too few repetitions to tell");
    case Verdict::OtherWork:
      return word("not comparable: other mail");
  }
  return "";
}

Json verdict_name(Verdict verdict) {  // stable, for scripts
  switch (verdict) {
    case Verdict::Faster:
      return "faster";
    case Verdict::Slower:
      return "slower";
    case Verdict::WaitsLess:
      return "waits-less";
    case Verdict::WaitsLonger:
      return "waits-longer";
    case Verdict::Noise:
      return "noise";
    case Verdict::TooFew:
    case Verdict::OtherWork:
      break;
  }
  return nullptr;
}

const BenchResult* find(const std::vector<BenchResult>& results, std::string_view name) {
  const auto found = std::ranges::find(results, name, &BenchResult::name);
  return found == results.end() ? nullptr : &*found;
}

std::string_view what_of(std::string_view name) {
  const auto found = std::ranges::find(bench_parts(), name, [](const BenchPart* part) { return part->name; });
  return found == bench_parts().end() ? std::string_view() : word((*found)->what);
}

std::vector<std::string> row_of(const BenchResult& result) {
  const double seconds = median_of(result.seconds);
  return {result.name,
          fmt::format("{} {}/s", per_second(static_cast<double>(result.units), seconds), word(result.unit)),
          result.octets > 0 ? per_second(static_cast<double>(result.octets) / 1e6, seconds) + " MB/s" : std::string(),
          time_text(seconds),
          say("{} to {}", time_text(std::ranges::min(result.seconds)), time_text(std::ranges::max(result.seconds))),
          time_text(median_of(result.cpu_seconds)),
          std::string(what_of(result.name))};
}

void print_results(Context& context, const std::vector<BenchResult>& results) {
  std::vector<std::vector<std::string>> rows;
  for (const BenchResult& result : results) rows.push_back(row_of(result));
  print_table(context.out(),
              {{.title = std::string(word("part"))},
               {.title = std::string(word("rate")), .right = true},
               {.right = true},
               {.title = std::string(word("median")), .right = true},
               {.title = std::string(word("from least to most")), .right = true, .drop = 3},
               {.title = std::string(word("CPU")), .right = true, .drop = 2},
               {.flexible = true, .drop = 1}},
              rows);
}

void print_changes(Context& context, const std::vector<BenchResult>& results, const std::vector<BenchResult>& old) {
  std::vector<std::vector<std::string>> rows;
  for (const BenchResult& result : results) {
    const BenchResult* const before = find(old, result.name);
    const std::string now = time_text(median_of(result.seconds));
    if (before == nullptr) {
      rows.push_back({result.name, "–", now, "", "", std::string(word("not in the old file"))});
      continue;
    }
    const Comparison change = compare_bench(*before, result);
    const auto percent = [&](double value) {
      return change.verdict == Verdict::OtherWork ? std::string() : fmt::format("{:+.1f} %", value);
    };
    rows.push_back({result.name, time_text(median_of(before->seconds)), now, percent(change.percent),
                    percent(change.cpu_percent), std::string(verdict_text(change.verdict))});
  }
  print_table(context.out(),
              {{.title = std::string(word("part"))},
               {.title = std::string(word("old")), .right = true},
               {.title = std::string(word("new")), .right = true},
               {.title = std::string(word("time")), .right = true},
               {.title = std::string(word("CPU")), .right = true},
               {.flexible = true}},
              rows);
}

// What stands in the way of reading the comparison as one.
void note_differences(Context& context, const std::vector<BenchResult>& results, const std::vector<BenchResult>& old) {
  for (const BenchResult& before : old) {
    const bool known = std::ranges::any_of(bench_parts(), [&](const BenchPart* p) { return p->name == before.name; });
    if (known) continue;
    context.note(say("the old file has \"{}\", which is not measured here", libsync::printable(before.name, 60)));
  }
  const BenchMachine& here = results.front().machine;
  const auto other = std::ranges::find_if(old, [&](const BenchResult& each) { return each.machine != here; });
  if (other == old.end()) return;
  const auto text = [](const BenchMachine& machine) {
    return fmt::format("{}, {}, {}", libsync::printable(machine.processor, 100),
                       counted(machine.cores, "core", "cores"), libsync::printable(machine.build, 20));
  };
  context.note(say("the old file is of another machine or build: {}; this is {}", text(other->machine), text(here)));
}

void print_json(Context& context, const Corpus& corpus, const BenchResult& result, const BenchResult* old) {
  JsonObject out = bench_json(result);
  out.emplace_back("corpus", corpus.name);
  out.emplace_back("messages", uint64_t{corpus.messages.size()});
  out.emplace_back("corpus_size", corpus.octets);
  if (old != nullptr) {
    const Comparison change = compare_bench(*old, result);
    const bool other = change.verdict == Verdict::OtherWork;
    out.emplace_back("old_seconds", median_of(old->seconds));
    out.emplace_back("old_cpu_seconds", median_of(old->cpu_seconds));
    out.emplace_back("change_percent", other ? Json() : Json(change.percent));
    out.emplace_back("cpu_change_percent", other ? Json() : Json(change.cpu_percent));
    out.emplace_back("verdict", verdict_name(change.verdict));
  }
  context.out().json(out);
  context.out().flush();  // the next one takes a while
}

void note_corpus(Context& context, const Corpus& corpus) {
  const std::string name =
      corpus.name == "generated" ? std::string(word("generated mail")) : libsync::printable(corpus.name);
  std::string text = say("{}: {}, {}", name, counted(corpus.messages.size(), "message", "messages"),
                         libsync::human_size(corpus.octets));
  if (corpus.cut) text += say("; there is more, which is left out");
  if (corpus.passed_over > 0) {
    text += say("; {} left out", counted(corpus.passed_over, "damaged one is", "damaged ones are"));
  }
  context.note(text);
}

Result<std::vector<BenchResult>> measure_all(Context& context, const Corpus& corpus,
                                             const std::vector<const BenchPart*>& parts, uint64_t repetitions,
                                             const std::vector<BenchResult>& old) {
  TB_ASSIGN(const WorkFolder folder, WorkFolder::make(context.around().environment));
  const BenchMachine machine = this_machine(context.around().fs);
  ProgressBoard board(context.around().err, context.around().clock, !context.globals().quiet && !context.json());
  std::vector<BenchResult> results;
  for (const BenchPart* const part : parts) {
    const size_t line = board.add(std::string(part->name));
    auto result = measure(*part, corpus, folder.path(), repetitions, context.around().clock, context.stop(),
                          [&](size_t done) { board.update(line, {.done = done, .total = repetitions}); });
    board.remove(line);
    TB_TRY(result);
    result->machine = machine;
    if (context.json()) print_json(context, corpus, *result, find(old, result->name));
    if (context.out().closed()) return fail(Errc::Cancelled, say("nobody reads what is printed"));
    results.push_back(*std::move(result));
  }
  return results;
}

Result<int> bench(Context& context, const Arguments& arguments) {
  TB_ASSIGN(const auto repetitions, arguments.number("repetitions", 1, kMaxRepetitions));
  TB_ASSIGN(const auto parts, chosen(arguments.value("only")));
  TB_ASSIGN(const auto old, old_results(context, arguments));
  TB_ASSIGN(const Corpus corpus, corpus_of(context, arguments));
  note_corpus(context, corpus);
  TB_ASSIGN(const auto results, measure_all(context, corpus, parts, repetitions.value_or(kRepetitions), old));
  if (!context.json()) {
    print_results(context, results);
    if (!old.empty()) {
      context.out().line("");
      print_changes(context, results, old);
    }
    context.out().flush();
  }
  if (!old.empty()) note_differences(context, results, old);
  if (results.front().machine.build == "debug") context.note(say("a debug build: its figures say little"));
  return 0;
}

}  // namespace

extern const Command kBench;
const Command kBench{
    .name = "bench",
    .usage = "[ACCOUNT]",
    .summary = "measure how fast the library's parts are, with generated or your own mail",
    .options = kOptions,
    .least_words = 0,
    .most_words = 1,
    .example =
        "twinbox bench\n"
        "twinbox bench --corpus ~/Maildir --json > old.json\n"
        "twinbox bench --corpus ~/Maildir --compare old.json",
    .run = bench,
};

}  // namespace twinbox
